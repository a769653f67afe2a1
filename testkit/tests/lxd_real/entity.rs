//! Real images, profiles, networks, projects and pools.

use testkit::lxd::{ImageRef, NetworkPut, NetworkSpec, ProfileSpec};

use crate::world::{LONG, World, in_world};

#[tokio::test]
async fn images_are_imported_named_and_deleted() {
    in_world("image", |world: World| async move {
        let client = &world.client;
        let image = client.get_image(&world.alias()).await.expect("image").value;
        assert_eq!(image.fingerprint, world.image);
        assert_eq!(image.properties["os"], "busybox & co");
        assert!(client.create_alias("tiny", &world.image, "").await.expect_err("duplicate").is_already_exists());
        client.create_alias("other", &world.image, "").await.expect("named");
        let other = ImageRef::Alias("other".to_owned());
        assert_eq!(client.get_image(&other).await.expect("there").value.fingerprint, world.image);
        client.delete_alias("other").await.expect("deleted");
        client.delete_alias("other").await.expect("gone already");
        assert!(client.find_image(&other).await.expect("asked").is_none());
        assert_eq!(client.list_images().await.expect("listed").len(), 1);
        client.delete_image(&world.image, LONG).await.expect("deleted");
        client.delete_image(&world.image, LONG).await.expect("gone already");
    })
    .await;
}

#[tokio::test]
async fn profiles_networks_projects_and_pools_are_made_read_changed_and_deleted() {
    in_world("rest", |world: World| async move {
        let client = &world.client;
        let mut profile = ProfileSpec::new("p");
        client.create_profile(&profile).await.expect("created");
        assert!(client.create_profile(&profile).await.expect_err("duplicate").is_already_exists());
        profile.config.insert("user.k".to_owned(), "v".to_owned());
        let etag = client.get_profile("p").await.expect("read").etag;
        client.update_profile(&profile, etag.as_deref()).await.expect("updated");
        assert!(client.update_profile(&profile, etag.as_deref()).await.expect_err("stale").is_etag_conflict());
        assert_eq!(client.list_profiles().await.expect("listed").len(), 2);
        client.delete_profile("p").await.expect("deleted");
        client.delete_profile("p").await.expect("gone already");
        assert!(client.find_profile("p").await.expect("asked").is_none());

        let name = format!("tkc{}", std::process::id());
        let none = ["ipv4.address", "ipv6.address"].map(|key| (key.to_owned(), "none".to_owned()));
        let spec = NetworkSpec::bridge(&name, none.into_iter().collect());
        client.create_network(&spec).await.expect("created");
        let outcome = async {
            assert!(client.create_network(&spec).await.expect_err("duplicate").is_already_exists());
            let mut config = client.get_network(&name).await.expect("read").value.config;
            config.insert("user.testkit.run".to_owned(), "x".to_owned());
            client
                .update_network(&name, &NetworkPut { config, description: "d".to_owned() }, None)
                .await
                .expect("updated");
            let read = client.find_network(&name).await.expect("asked").expect("there").value;
            assert!(read.managed && read.kind == "bridge" && read.config["user.testkit.run"] == "x");
        };
        let outcome = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(outcome)).await;
        client.delete_network(&name).await.expect("deleted");
        client.delete_network(&name).await.expect("gone already");
        outcome.expect("network");

        let root = &world.root;
        assert!(
            root.get_project(&world.name).await.expect("read").value.config["user.testkit.run"].starts_with("client")
        );
        assert!(root.list_projects().await.expect("listed").iter().any(|project| project.name == world.name));
        let error = root.delete_project(&world.name).await.expect_err("not empty");
        assert!(!error.is_not_found(), "{error}");
        let pool = root.get_storage_pool(&world.name).await.expect("read").value;
        assert_eq!((pool.driver.as_str(), pool.status.as_str()), ("dir", "Created"));
        let space = root.get_storage_pool_resources(&world.name).await.expect("resources").space;
        assert!(space.total > 0 && space.used <= space.total);
        assert!(root.find_storage_pool("no-such-pool").await.expect("asked").is_none());
    })
    .await;
}

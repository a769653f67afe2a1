//! Where a setting comes from, and what is said of one that cannot be.

use super::*;

fn resolve(flags: Layer, environment: &[(&str, &str)], file: Option<&str>) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").expect("a manifest");
    if let Some(text) = file {
        std::fs::write(folder.path().join(FILE_NAME), text).expect("a configuration file");
    }
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Config::resolve_from(flags, &environment, folder.path())
}

#[test]
fn flags_win_over_environment_over_file_over_default() {
    let flag = Layer { pool: Some("flag".into()), ..Layer::default() };
    let env = [("TESTKIT_POOL", "env")];
    let file = Some("pool = \"file\"");
    assert_eq!(resolve(flag, &env, file).expect("resolves").pool, "flag");
    assert_eq!(resolve(Layer::default(), &env, file).expect("resolves").pool, "env");
    assert_eq!(resolve(Layer::default(), &[], file).expect("resolves").pool, "file");
    assert_eq!(resolve(Layer::default(), &[], None).expect("resolves").pool, "testkit");
    assert_eq!(resolve(Layer::default(), &[("TESTKIT_POOL", "")], file).expect("resolves").pool, "file");
}

#[test]
fn a_relative_path_is_from_the_root_wherever_the_process_works() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (root, below) = (folder.path(), folder.path().join("suites/src"));
    std::fs::write(root.join("Cargo.toml"), "[workspace]\n").expect("a manifest");
    std::fs::create_dir_all(&below).expect("a folder");
    let names = ["MICROOVN_SNAP_PATH", "MICROOVN_EXTRA_SNAPS", "TESTKIT_OUT_DIR", "TESTKIT_CACHE_DIR", "LXD_SOCKET"];
    let environment = names.map(|name| (name.to_owned(), "x/y".to_owned())).into();
    let config = Config::resolve_from(Layer::default(), &environment, &below).expect("resolves");
    let wanted = root.join("x/y");
    assert_eq!((config.snap.as_ref(), config.extra_snaps.first()), (Some(&wanted), Some(&wanted)));
    assert_eq!((&config.out_dir, &config.cache_dir), (&wanted, &wanted));
    let socket = matches!(&config.lxd, LxdTarget::Local { socket: Some(socket), .. } if *socket == wanted);
    assert!(socket, "{:?}", config.lxd);
}

#[test]
fn extra_snaps_are_split_on_colons_in_order() {
    let config = resolve(Layer::default(), &[("MICROOVN_EXTRA_SNAPS", "/a/snapd.snap:/b/base.snap")], None);
    assert_eq!(config.expect("resolves").extra_snaps, [PathBuf::from("/a/snapd.snap"), PathBuf::from("/b/base.snap")]);
}

#[test]
fn an_empty_path_among_several_is_refused_and_an_empty_variable_is_not_set() {
    for name in [SEVERAL, "MICROOVN_EXTRA_SNAPS"] {
        for value in [":", "a.snap:", ":a.snap", "a.snap::b.snap"] {
            let refused = resolve(Layer::default(), &[(name, value)], None).expect_err("refused").to_string();
            assert_eq!(
                refused,
                format!(
                    "environment variable {name} is {value:?}, which is not a path, or paths with one colon between each two: \
                     one of them is empty; name it, or leave its colon out"
                )
            );
        }
        let config = resolve(Layer::default(), &[(name, "")], None).expect("resolves");
        assert_eq!((config.snap, config.products.len(), config.extra_snaps.len()), (None, 0, 0));
    }
}

#[test]
fn an_empty_text_in_the_file_is_refused_where_it_stands() {
    let keys = "lxd_dir lxd_socket incus_dir incus_socket lxd_remote remote lxd_client_cert lxd_client_key lxd_server_cert snap \
                upgrade_from microcloud_snap lxd_snap node_image project pool cache_dir out_dir state_dir coverage_dir \
                underlay_parent faults";
    let product = |line: &str| format!("[[product]]\nname = \"a\"\nsnap = \"a.snap\"\n{line}");
    let whole = keys.split_whitespace().map(|key| format!("\n{key} = \"\""));
    let others = [
        "\nextra_snaps = [\"a.snap\", \"\"]".to_owned(),
        "[[product]]\nsnap = \"\"\nname = \"a\"".to_owned(),
        "[[product]]\nname = \"\"\nsnap = \"a.snap\"".to_owned(),
        product("extra_snaps = [\"\"]"),
        product("upgrade_from = \"\""),
    ];
    for text in whole.chain(others) {
        let error = resolve(Layer::default(), &[], Some(&text)).expect_err(&text);
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        let line = text.lines().position(|line| line.contains("\"\"")).expect("a line") + 1;
        assert!(cause.contains(&format!("at line {line},")), "{cause}");
        assert!(cause.contains("a value that is empty says nothing; give one, or leave it out"), "{cause}");
    }
}

const SEVERAL: &str = "MICROOVN_SNAP_PATH";
const PRODUCTS: &str = r#"
    extra_snaps = ["base.snap"]
    upgrade_from = "22.03/stable"
    [[product]]
    name = "older"
    snap = "old.snap"
    extra_snaps = ["/bases/old.snap"]
    [[product]]
    name = "newer"
    snap = "/new.snap"
    upgrade_from = "old.snap"
"#;

#[test]
fn one_of_several_snaps_is_tested_once_it_is_chosen() {
    let several = (SEVERAL, "/s/old.snap:/s/new.snap");
    let config = resolve(Layer::default(), &[several], None).expect("resolves");
    assert_eq!((config.products.len(), &config.snap), (2, &None));
    let refused = config.require_decided().expect_err("none is chosen").to_string();
    assert!(
        refused.starts_with("several products are given (old, new), and this is done with one; name it"),
        "{refused}"
    );
    let config = resolve(Layer::default(), &[several, (PRODUCT, "new")], None).expect("resolves");
    assert!(config.require_decided().is_ok());
    assert_eq!((config.snap, config.product.as_deref()), (Some(PathBuf::from("/s/new.snap")), Some("new")));
    let one = resolve(Layer::default(), &[(SEVERAL, "/s/old.snap")], None).expect("resolves");
    assert_eq!((one.products.len(), one.snap, one.product), (0, Some(PathBuf::from("/s/old.snap")), None));
}

#[test]
fn products_of_the_file_have_what_is_their_own_and_else_what_all_have() {
    let config = |name| resolve(Layer::default(), &[(PRODUCT, name)], Some(PRODUCTS)).expect("resolves");
    let (older, newer) = (config("older"), config("newer"));
    assert_eq!(older.snap, Some(older.root.join("old.snap")));
    assert_eq!(older.extra_snaps, [PathBuf::from("/bases/old.snap")]);
    assert_eq!(older.upgrade_from, Some(UpgradeFrom::Channel("22.03/stable".to_owned())));
    assert_eq!(newer.extra_snaps, [newer.root.join("base.snap")]);
    assert_eq!(newer.upgrade_from, Some(UpgradeFrom::File(newer.root.join("old.snap"))));
    // A snap of the environment is all that is tested.
    let env = resolve(Layer::default(), &[(SEVERAL, "/other.snap")], Some(PRODUCTS)).expect("resolves");
    assert_eq!((env.snap, env.products.len()), (Some(PathBuf::from("/other.snap")), 0));
    // The only one needs no choice.
    let only = "[[product]]\nname = \"only\"\nsnap = \"/only.snap\"\n";
    let only = resolve(Layer::default(), &[], Some(only)).expect("resolves");
    assert_eq!((only.snap, only.product.as_deref()), (Some(PathBuf::from("/only.snap")), Some("only")));
}

#[rstest::rstest]
#[case::coverage(&[("MICROOVN_COVERAGE_ENABLED", "true")], None, "MICROOVN_COVERAGE_ENABLED is \"true\", which is not yes or no")]
#[case::keep(&[("TESTKIT_KEEP", "sometimes")], None, "TESTKIT_KEEP is \"sometimes\", which is not one of never, on-failure, always")]
#[case::reuse(&[("TESTKIT_REUSE", "maybe")], None, "TESTKIT_REUSE is \"maybe\"")]
#[case::parallel(&[("TESTKIT_PARALLEL", "0")], None, "a whole number from 1 to 1000")]
#[case::subnet(&[("TESTKIT_SUBNET", "10.0.0.0")], None, "an IPv4 range")]
#[case::remote(&[("LXD_REMOTE", "https://h:8443"), ("LXD_CLIENT_CERT", "/c")], None, "LXD_CLIENT_KEY is not set")]
#[case::two_targets(&[("TESTKIT_REMOTE", "prod"), ("LXD_SOCKET", "/s")], None, "TESTKIT_REMOTE and LXD_SOCKET each say where clusters are to be formed; unset one of them")]
#[case::two_in_the_file(&[], Some("remote = \"prod\"\nlxd_remote = \"https://h:8443\""), "TESTKIT_REMOTE and LXD_REMOTE each say where clusters are to be formed; unset one of them")]
#[case::lxc_elsewhere(&[("LXC_REMOTE", "build-farm"), ("LXD_CONF", "/nowhere"), ("LXD_GLOBAL_CONF", "/nowhere")], None, "LXC_REMOTE names the remote \"build-farm\": the lxc client has no remotes in /nowhere/config.yml")]
#[case::both_daemons(&[("INCUS_SOCKET", "/i"), ("LXD_SOCKET", "/s")], None, "LXD_SOCKET and INCUS_SOCKET each say where clusters are to be formed")]
#[case::both_folders(&[("INCUS_DIR", "/i"), ("LXD_DIR", "/s")], None, "LXD_DIR and INCUS_DIR each say where clusters are to be formed")]
#[case::both_clients(&[("LXC_REMOTE", "a"), ("INCUS_REMOTE", "b")], None, "LXC_REMOTE and INCUS_REMOTE each say where")]
#[case::incus_elsewhere(&[("INCUS_REMOTE", "farm"), ("INCUS_CONF", "/nowhere"), ("INCUS_GLOBAL_CONF", "/nowhere")], None, "INCUS_REMOTE names the remote \"farm\": the incus client has no remotes in /nowhere/config.yml; add it with `incus remote")]
#[case::lxc_and_a_socket(&[("LXC_REMOTE", "build-farm:"), ("LXD_SOCKET", "/s")], None, "LXC_REMOTE and LXD_SOCKET each say where clusters are to be formed; unset one of them")]
#[case::datapath(&[("TESTKIT_DATAPATH", "kernal")], None, "which is not one of auto, kernel, userspace (did you mean \"kernel\"?)")]
#[case::stand_in(&[("TESTKIT_STAND_IN", "buster")], None, "TESTKIT_STAND_IN is \"buster\", which is not one of bookworm, trixie")]
#[case::datapath_in_the_file(&[], Some("datapath = \"dpdk\""), "failed to parse")]
#[case::parallel_in_the_file(&[], Some("parallel = 0"), "failed to parse")]
#[case::unknown_key(&[], Some("colour = 1"), "failed to parse")]
#[case::slip_of_a_product(&[(PRODUCT, "oldr")], Some(PRODUCTS), "TESTKIT_PRODUCT is \"oldr\", and the products are older, newer; did you mean \"older\"?")]
#[case::product_of_none(&[(PRODUCT, "older")], None, "there are no products to choose from: name several snaps with")]
#[case::snap_twice(&[(SEVERAL, "/a.snap:/a.snap")], None, "is given twice; name each snap once")]
#[case::products_of_one_name(&[], Some("[[product]]\nname = \"a\"\nsnap = \"x\"\n[[product]]\nsnap = \"y\"\nname = \"a\""), "/testkit.toml:6: the product \"a\" is called like the one in line 2; name each in its own way")]
#[case::product_without_a_snap(&[], Some("[[product]]\nname = \"a\""), "failed to parse")]
#[case::snap_and_products(&[], Some("snap = \"x\"\n[[product]]\nname = \"a\"\nsnap = \"y\""), "has both `snap` and [[product]]")]
fn bad_settings_name_their_place(
    #[case] environment: &[(&str, &str)],
    #[case] file: Option<&str>,
    #[case] wanted: &str,
) {
    let error = resolve(Layer::default(), environment, file).expect_err("refused").to_string();
    assert!(error.contains(wanted), "{error}");
}

#[test]
fn a_client_that_is_told_what_is_known_here_says_nothing_new() {
    let lxd = |variables: &[(&str, &str)]| resolve(Layer::default(), variables, None).expect("resolves").lxd;
    assert_eq!(lxd(&[("LXC_REMOTE", "local:")]), lxd(&[]));
    // A variable wins over the file.
    let file = Some("remote = \"prod\"");
    let by_variable = resolve(Layer::default(), &[("LXD_SOCKET", "/s")], file).expect("resolves").lxd;
    assert_eq!(by_variable, lxd(&[("LXD_SOCKET", "/s")]));
    let file = Some("lxd_socket = \"/s\"");
    let local = resolve(Layer::default(), &[("TESTKIT_REMOTE", "local")], file).expect("resolves").lxd;
    assert_eq!(local, lxd(&[]));
    let remote = [
        ("LXD_REMOTE", "https://h:8443"),
        ("LXD_CLIENT_CERT", "/c"),
        ("LXD_CLIENT_KEY", "/k"),
        ("LXD_SERVER_CERT", "/s"),
    ];
    assert_eq!(lxd(&[&remote[..], &[("LXC_REMOTE", "farm")]].concat()), lxd(&remote));
}

#[test]
fn the_first_source_that_names_one_of_the_two_says_which() {
    let lxd = |variables: &[(&str, &str)], file| resolve(Layer::default(), variables, file).expect("resolves").lxd;
    let local = |socket: Option<&str>, dir: Option<&str>, daemon| LxdTarget::Local {
        socket: socket.map(PathBuf::from),
        dir: dir.map(PathBuf::from),
        daemon,
    };
    let (lxd_, incus) = (Some(Daemon::Lxd), Some(Daemon::Incus));
    assert_eq!(lxd(&[], None), local(None, None, None));
    assert_eq!(lxd(&[("INCUS_SOCKET", "/i")], None), local(Some("/i"), None, incus));
    assert_eq!(lxd(&[("INCUS_DIR", "/i")], Some("lxd_socket = \"/s\"")), local(None, Some("/i"), incus));
    assert_eq!(lxd(&[("LXD_DIR", "/l")], Some("incus_socket = \"/i\"")), local(None, Some("/l"), lxd_));
    assert_eq!(lxd(&[], Some("incus_socket = \"/i\"\nincus_dir = \"/d\"")), local(Some("/i"), Some("/d"), incus));
    // What the file says of the same one is not mixed in.
    assert_eq!(lxd(&[("LXD_DIR", "/l")], Some("lxd_socket = \"/s\"")), local(None, Some("/l"), lxd_));
    let remote = Some("lxd_remote = \"https://h:8443\"");
    assert_eq!(lxd(&[("LXD_SOCKET", "/s")], remote), local(Some("/s"), None, lxd_));
    // An address of the file is no place of what the environment names.
    assert_eq!(lxd(&[("INCUS_DIR", "/i")], Some("lxd_remote = \"https://h:8443\"")), local(None, Some("/i"), incus));
    assert_eq!(lxd(&[("INCUS_REMOTE", "local:")], None), local(None, None, None));
}

#[test]
fn the_configuration_of_a_client_is_from_the_root_as_other_paths_are() {
    for (remote, conf, global) in
        [("LXC_REMOTE", "LXD_CONF", "LXD_GLOBAL_CONF"), ("INCUS_REMOTE", "INCUS_CONF", "INCUS_GLOBAL_CONF")]
    {
        let variables = [(remote, "farm"), (conf, "clients"), (global, "everybody")];
        let error = resolve(Layer::default(), &variables, None).expect_err("there is none").to_string();
        assert!(error.contains("/clients/config.yml") && !error.contains(" clients/config.yml"), "{error}");
    }
}

#[test]
fn outside_a_workspace_is_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = Config::resolve_from(Layer::default(), &BTreeMap::new(), folder.path()).expect_err("refused");
    assert!(matches!(error, ConfigError::NoWorkspace(_)), "{error}");
}

#[test]
fn paths_from_where_a_distribution_is_called_are_made_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("old.snap"), "").expect("written");
    let environment = [
        ("MICROOVN_SNAP_PATH", "a.snap:/b.snap"),
        ("MICROOVN_UPGRADE_FROM", "24.03/stable"),
        ("LXD_SOCKET", ""),
        ("TESTKIT_OUT_DIR", "/out"),
        ("TESTKIT_POOL", "pool"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let whole = |name: &str| folder.path().join(name).display().to_string();
    let wanted = [("MICROOVN_SNAP_PATH".to_owned(), format!("{}:/b.snap", whole("a.snap")))];
    assert_eq!(
        rebased(&environment, folder.path()),
        wanted.into(),
        "what is whole, no path or not there stays as it is"
    );
    let older = [("MICROOVN_UPGRADE_FROM".to_owned(), "old.snap".to_owned())].into();
    assert_eq!(rebased(&older, folder.path())["MICROOVN_UPGRADE_FROM"], whole("old.snap"));
}

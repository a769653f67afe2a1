//! The plan as the record has it.

use std::collections::BTreeMap;

use super::schema::{Device, Encap, Member, Plan, Segment};
use crate::plan::{self, Network, Role, Service};

/// What a reader needs of a plan. Files that members are given are not in it.
pub(super) fn plan(plan: &plan::Plan, instances: &BTreeMap<String, String>) -> Plan {
    let network = |name: &str, network: Network, segment: &plan::Segment| Segment {
        name: name.to_owned(),
        device: plan
            .state
            .members
            .iter()
            .find_map(|member| member.find_nic(network))
            .map(|nic| nic.device.clone())
            .unwrap_or_default(),
        ranges: vec![segment.ipv4.to_string(), segment.ipv6.to_string()],
    };
    Plan {
        formation: plan.formation.to_string(),
        networks: vec![
            network("management", Network::Management, &plan.segments.management),
            network("underlay", Network::Underlay, &plan.segments.underlay),
        ],
        needs: plan.needs.iter().map(ToString::to_string).collect(),
        user_ca: plan.state.user_ca.as_ref().map(|authority| format!("{:?}", authority.algorithm).to_lowercase()),
        members: plan.state.members.iter().map(|it| member(plan, it, instances.get(&it.name))).collect(),
    }
}

fn member(plan: &plan::Plan, member: &plan::Member, instance: Option<&String>) -> Member {
    let device = |name: &str, addresses: &[ipnet::IpNet]| Device {
        name: name.to_owned(),
        addresses: addresses.iter().map(ToString::to_string).collect(),
    };
    let mut devices: Vec<Device> = member.nics.iter().map(|nic| device(&nic.device, &nic.addresses)).collect();
    if !member.loopback.is_empty() {
        devices.push(device("lo", &member.loopback));
    }
    Member {
        name: member.name.clone(),
        hostname: member.hostname.clone(),
        instance: instance.cloned(),
        bootstrap: plan.role(member) == Role::Bootstrap,
        address: member.address.to_string(),
        services: member.services.iter().map(ToString::to_string).collect(),
        devices,
        encap: member.runs(Service::Chassis).then(|| Encap {
            ip: member.encap.ip.to_string(),
            device: member.encap.device.clone(),
            custom: member.encap.custom,
        }),
    }
}

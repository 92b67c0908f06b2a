//! Limits that name files and devices, checked: a name becomes part of a path or of a line.

use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType, LinuxResources};

use crate::error::{Error, Result};

/// Refuses what cannot be the name that it stands for.
pub(crate) fn check(resources: &LinuxResources) -> Result<()> {
    for page in resources.hugepage_limits().iter().flatten() {
        if !is_page_size(page.page_size()) {
            let text = format!("{:?} is no size of a page, as 2MB is", page.page_size());
            return invalid("hugepageLimits.pageSize", text);
        }
    }
    for file in resources.unified().iter().flatten().map(|(file, _)| file) {
        if !is_file_of_a_controller(file) {
            let text = format!("{file:?} is no file of a cgroup, as memory.high is");
            return invalid("unified", text);
        }
    }
    for device in resources.rdma().iter().flatten().map(|(device, _)| device) {
        if !is_word(device) {
            return invalid("rdma", format!("{device:?} is no name of a device"));
        }
    }
    let network = resources.network().as_ref();
    for interface in network
        .and_then(|n| n.priorities().as_ref())
        .into_iter()
        .flatten()
    {
        if !is_word(interface.name()) {
            let text = format!("{:?} is no name of an interface", interface.name());
            return invalid("network.priorities", text);
        }
    }
    for list in [cpu_lists(resources)].into_iter().flatten().flatten() {
        if !list
            .1
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b",- \n".contains(&byte))
        {
            return invalid(list.0, format!("{:?} is no list of numbers", list.1));
        }
    }
    resources
        .devices()
        .iter()
        .flatten()
        .try_for_each(check_device)
}

fn cpu_lists(resources: &LinuxResources) -> Option<Vec<(&'static str, &str)>> {
    let cpu = resources.cpu().as_ref()?;
    let lists = [("cpu.cpus", cpu.cpus()), ("cpu.mems", cpu.mems())];
    let given = lists
        .into_iter()
        .filter_map(|(name, list)| Some((name, list.as_deref()?)));
    Some(given.collect())
}

fn check_device(rule: &LinuxDeviceCgroup) -> Result<()> {
    if rule.typ() == Some(LinuxDeviceType::P) {
        return invalid("devices.type", "a pipe is no device".to_owned());
    }
    let access = rule.access().as_deref().unwrap_or_default();
    if !access.bytes().all(|byte| b"rwm".contains(&byte)) {
        return invalid(
            "devices.access",
            format!("{access:?} is not made of r, w and m"),
        );
    }
    Ok(())
}

fn invalid(field: &str, text: String) -> Result<()> {
    let field = format!("linux.resources.{field}");
    Err(Error::InvalidSpec(format!("`{field}`: {text}")))
}

/// `64KB`, `2MB`, `1GB`: as in the names of the kernel's files.
fn is_page_size(text: &str) -> bool {
    let number = ["KB", "MB", "GB"]
        .iter()
        .find_map(|unit| text.strip_suffix(unit));
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn is_file_of_a_controller(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let (controller, file) = text.split_once('.').unwrap_or_default();
    !controller.is_empty() && !file.is_empty() && text.bytes().all(known)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_checked_before_they_become_paths_and_lines() {
        for (value, word) in [
            (
                json!({"hugepageLimits": [{"pageSize": "../../x", "limit": 1}]}),
                "pageSize",
            ),
            (
                json!({"hugepageLimits": [{"pageSize": "MB", "limit": 1}]}),
                "pageSize",
            ),
            (json!({"unified": {"../cgroup.procs": "1"}}), "unified"),
            (json!({"unified": {"memory": "1"}}), "unified"),
            (json!({"rdma": {"a b": {}}}), "rdma"),
            (json!({"cpu": {"cpus": "0;1"}}), "cpu.cpus"),
            (
                json!({"devices": [{"allow": true, "access": "x"}]}),
                "access",
            ),
            (json!({"devices": [{"allow": true, "type": "p"}]}), "type"),
            (
                json!({"network": {"priorities": [{"name": "", "priority": 1}]}}),
                "priorities",
            ),
        ] {
            let resources = serde_json::from_value(value.clone()).unwrap();
            let error = check(&resources).unwrap_err().to_string();
            assert!(error.contains(word), "{value}: {error}");
        }
        let fine = json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 1}],
            "unified": {"memory.high": "max", "hugetlb.2MB.max": "1"}, "rdma": {"mlx5_1": {}},
            "cpu": {"cpus": "0-1,3"}, "devices": [{"allow": true, "access": "rw"}]});
        check(&serde_json::from_value(fine).unwrap()).unwrap();
    }
}

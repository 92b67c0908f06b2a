//! Memory, freezer, other processes of the container.

use serde_json::json;
use terrarium_runtime::shim::protocol::{Call, Event, FailureCode, Reply, Status, Target};

use crate::host::everything;
use crate::require_root;
use crate::sandbox::{Recipe, script};

#[test]
fn a_kill_for_want_of_memory_is_reported() {
    require_root!();
    let mut recipe = Recipe::new(&["/bin/tail", "/dev/zero"]);
    recipe.spec["linux"]["resources"] = json!({"memory": {"limit": 16 << 20, "swap": 16 << 20}});
    let mut sandbox = recipe.create();
    if !sandbox.created.notes.is_empty() {
        eprintln!("notes: {:?}", sandbox.created.notes);
    }
    sandbox.host.call(Call::Subscribe).unwrap();
    sandbox.start();
    assert_eq!(sandbox.host.event(), Event::Oom);
    let status = sandbox.wait();
    assert_eq!(
        (status.code, status.signal, status.oom_killed),
        (137, Some(9), true)
    );
}

#[test]
fn a_paused_container_does_nothing_until_it_is_resumed() {
    require_root!();
    let mut sandbox = script("while :; do read line; echo got $line; done")
        .stdin(terrarium_runtime::shim::protocol::StdinMode::Open)
        .create();
    let mut client = sandbox.attach(everything(Target::Init));
    sandbox.start();
    client.write(b"one\n");
    client.read_until("got one");
    sandbox.host.call(Call::Pause).unwrap();
    assert_eq!(sandbox.state_file().status, Status::Paused);
    assert_eq!(
        sandbox.host.call(Call::Pause).unwrap_err().code,
        FailureCode::WrongStatus
    );
    assert!(terrarium_runtime::cgroup::is_frozen(&sandbox.created.state.cgroup).unwrap());
    client.write(b"two\n");
    sandbox.host.call(Call::Resume).unwrap();
    client.read_until("got two");
    sandbox.host.call(Call::Pause).unwrap();
    let kill = Call::Kill {
        target: Target::Init,
        signal: 9,
        all: false,
    };
    assert!(matches!(sandbox.host.call(kill), Ok(Reply::Done)));
    assert_eq!(
        sandbox.wait().code,
        137,
        "a kill reaches a paused container"
    );
}

#[test]
fn init_takes_along_what_it_left_even_without_a_pid_namespace() {
    require_root!();
    let mut recipe = script("sleep 1000 & echo $!; exit 4");
    recipe.spec["linux"]["namespaces"] = json!([{"type": "mount"}]);
    recipe.spec["mounts"] = json!([]);
    recipe.spec.as_object_mut().unwrap().remove("hostname");
    let mut sandbox = recipe.create();
    let mut client = sandbox.attach(everything(Target::Init));
    sandbox.start();
    client.read_all();
    assert_eq!(sandbox.wait().code, 4);
    sandbox.shut_down();
}

//! The same, for a user without privileges: user namespace, no cgroup, overlay with `userxattr`.

use terrarium_runtime::shim::protocol::{Call, ExecOutput, FailureCode, Reply, StdinMode, Target};

use crate::host::everything;
use crate::require_root;
use crate::sandbox::{Recipe, process, script};
use crate::user::User;

#[test]
fn an_unprivileged_user_runs_execs_and_kills() {
    require_root!();
    let user = User::new();
    let command = "id -u; cat /proc/self/uid_map; read line; echo $line; exit 3";
    let mut sandbox = script(command)
        .stdin(StdinMode::Once)
        .log(|_| ())
        .rootless(&user)
        .create();
    let mut client = sandbox.attach(everything(Target::Init));
    sandbox.start();
    client.write(b"input\n");
    let seen = client.read_until("input\n");
    assert!(seen.starts_with("0\n"), "root inside: {seen}");
    assert!(
        seen.contains(&user.uid.to_string()),
        "the user outside: {seen}"
    );
    assert!(
        seen.contains(&user.first_subuid.to_string()),
        "more users inside: {seen}"
    );
    assert_eq!(sandbox.wait().code, 3);
    assert!(sandbox.logged("stdout").ends_with("input\n"));
}

#[test]
fn an_unprivileged_exec_joins_and_init_s_end_takes_it_along() {
    require_root!();
    let user = User::new();
    let mut sandbox = script("while :; do sleep 1000; done")
        .rootless(&user)
        .create();
    sandbox.start();
    let exec = |id: &str, args: &[&str]| Call::Exec {
        exec_id: id.to_owned(),
        process: serde_json::from_value(process(args)).unwrap(),
        stdin: StdinMode::Null,
        output: ExecOutput::Attach,
    };
    sandbox.host.call(exec("id", &["/bin/id", "-u"])).unwrap();
    let target = Target::Exec("id".to_owned());
    assert_eq!(
        sandbox.attach(everything(target.clone())).read_all().stdout,
        b"0\n"
    );
    assert_eq!(sandbox.host.wait(target).code, 0);
    sandbox
        .host
        .call(exec("sleep", &["/bin/sleep", "1000"]))
        .unwrap();
    // No cgroup was delegated: what needs one says so, what does not works.
    assert_eq!(
        sandbox.host.call(Call::Pause).unwrap_err().code,
        FailureCode::Unsupported
    );
    let kill = Call::Kill {
        target: Target::Init,
        signal: 9,
        all: false,
    };
    assert!(matches!(sandbox.host.call(kill), Ok(Reply::Done)));
    assert_eq!(
        sandbox.host.wait(Target::Exec("sleep".to_owned())).code,
        137
    );
    assert_eq!(sandbox.wait().code, 137);
}

#[test]
fn an_unprivileged_terminal_has_its_size() {
    require_root!();
    let user = User::new();
    let mut sandbox = script("stty size; test -t 0 && echo a terminal")
        .terminal()
        .rootless(&user)
        .create();
    let mut client = sandbox.attach(everything(Target::Init));
    sandbox.start();
    client.read_until("24 80\r\na terminal\r\n");
    assert_eq!(sandbox.wait().code, 0);
}

#[test]
fn changes_go_to_the_overlay_s_upper_folder_for_everybody() {
    require_root!();
    let user = User::new();
    let user = &user;
    let recipe = || script("echo changed > /etc/file; rm /bin/yes; ls /bin/yes").overlay();
    let as_root: fn(Recipe, &User) -> Recipe = |recipe, _| recipe;
    let as_user: fn(Recipe, &User) -> Recipe = Recipe::rootless;
    for change in [as_root, as_user] {
        let mut sandbox = change(recipe(), user).create();
        sandbox.start();
        assert_eq!(sandbox.wait().code, 1, "it is removed");
        assert!(
            sandbox.path("rootfs/bin/yes").is_symlink(),
            "the layer is unharmed"
        );
        let file = std::fs::read_to_string(sandbox.path("upper/etc/file")).unwrap();
        assert_eq!(file, "changed\n");
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(
            !mounts.contains(sandbox.path("upper").to_str().unwrap()),
            "no mount leaks"
        );
    }
}

#[test]
fn a_program_that_is_not_root_can_open_its_streams_by_name() {
    require_root!();
    let user = User::new();
    let user = &user;
    let as_root: fn(Recipe, &User) -> Recipe = |recipe, _| recipe;
    let as_user: fn(Recipe, &User) -> Recipe = Recipe::rootless;
    for change in [as_root, as_user] {
        let mut recipe = change(
            script("id -u; echo by name > /dev/stdout; echo err > /dev/stderr"),
            user,
        );
        recipe.spec["process"]["user"] = serde_json::json!({"uid": 1000, "gid": 1000});
        let mut sandbox = recipe.create();
        let mut client = sandbox.attach(everything(Target::Init));
        sandbox.start();
        let received = client.read_all();
        assert_eq!(
            String::from_utf8(received.stdout).unwrap(),
            "1000\nby name\n"
        );
        assert_eq!(received.stderr, b"err\n");
        assert_eq!(sandbox.wait().code, 0);
    }
}

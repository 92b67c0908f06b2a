//! Commands, names and ports.

use std::net::TcpListener;

use anyhow::Result;
use terrarium_tests::{Layout, can_run_containers};

use crate::scene::{Scene, State, assert_says};

#[test]
fn a_command_that_cannot_be_run_has_dockers_exit_code() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let scene = Scene::new()?;
    let before = State::of(&scene.host)?;
    let run = |command: &[&str]| {
        let mut arguments = vec!["run", "--rm", "alpine"];
        arguments.extend(command);
        scene.host.docker(&arguments)
    };
    for command in ["no-such-program", "/no/such/program"] {
        assert_says(run(&[command]).fails(127), &[command, "not found"]);
    }
    for command in ["/etc/passwd", "/etc"] {
        assert_says(run(&[command]).fails(126), &[command, "permission denied"]);
    }
    assert_eq!(State::of(&scene.host)?, before);
    Ok(())
}

#[test]
fn an_image_without_a_shell_says_so_and_one_without_a_command_too() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let scene = Scene::new()?;
    let layout = Layout::create(&scene.host.scratch().join("empty"))?;
    // Two blocks of zeros are a tar with nothing in it.
    layout.add_bytes(&[0; 1024])?;
    scene.registry.push_layout(&layout, "team/empty:1")?;
    let name = scene.name("team/empty:1");
    scene.host.docker(&["pull", "-q", &name]).ok();
    let before = State::of(&scene.host)?;
    let shell = scene.host.docker(&["run", "--rm", &name, "sh"]);
    assert_says(shell.fails(127), &["sh", "not found"]);
    let nothing = scene.host.docker(&["run", "--rm", &name]);
    assert_says(nothing.fails(125), &["no command"]);
    assert_eq!(State::of(&scene.host)?, before);
    Ok(())
}

#[test]
fn a_name_and_a_port_belong_to_one_container() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let scene = Scene::new()?;
    let docker = |arguments: &[&str]| scene.host.docker(arguments);
    docker(&["create", "--name", "web", "alpine"]).ok();
    let before = State::of(&scene.host)?;
    let named = docker(&["run", "--name", "web", "alpine"]);
    assert_says(named.fails(125), &["web", "in use"]);
    let renamed = docker(&["run", "-d", "--name", "other", "alpine", "sleep", "60"]);
    renamed.ok();
    let refused = docker(&["rename", "other", "web"]);
    assert_says(refused.fails(1), &["web", "in use"]);
    docker(&["rm", "-f", "other"]).ok();
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let mapping = format!("127.0.0.1:{port}:80");
    let refused = docker(&["run", "--rm", "-p", &mapping, "alpine", "true"]);
    assert_says(refused.fails(125), &[&port.to_string(), "already"]);
    assert_eq!(State::of(&scene.host)?, before);
    Ok(())
}

//! Instructions that only change settings.

use std::time::Duration;

use terrarium_dockerfile::{Command, HealthCheck, Instruction};
use terrarium_oci::Healthcheck;

use crate::state::State;
use crate::{Fault, Request};

/// Carries out an instruction that makes no layer; gives it back where it does.
pub(crate) fn apply<'a>(
    state: &mut State,
    instruction: &'a Instruction,
    request: &Request,
    globals: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<&'a Instruction>, Fault> {
    let escape = request.escape();
    match instruction {
        Instruction::Run(_) | Instruction::Transfer(_) | Instruction::Workdir(_) => {
            return Ok(Some(instruction));
        }
        Instruction::Cmd(command) => {
            state.config.cmd = words(state, command);
            state.has_cmd = true;
        }
        Instruction::Entrypoint(command) => {
            state.config.entrypoint = words(state, command);
            if !state.has_cmd {
                state.config.cmd.clear();
            }
        }
        Instruction::Label(pairs) => {
            for (name, value) in expanded(state, pairs, escape)? {
                state.config.labels.insert(name, value);
            }
        }
        Instruction::Env(pairs) => {
            // All values are those of before the instruction.
            for (name, value) in expanded(state, pairs, escape)? {
                state.set_env(&name, &value);
            }
        }
        Instruction::Maintainer(name) => state.author = Some(name.clone()),
        Instruction::Expose(ports) => expose(state, ports, escape)?,
        Instruction::Volume(paths) => {
            for path in paths {
                let path = state.expand(path, escape)?;
                state.config.volumes.insert(path);
            }
        }
        Instruction::User(user) => state.config.user = state.expand(user, escape)?,
        Instruction::Arg(declared) => declare(state, declared, request, globals)?,
        Instruction::Onbuild(text) => state.config.on_build.push(text.clone()),
        Instruction::Stopsignal(signal) => {
            state.config.stop_signal = Some(state.expand(signal, escape)?);
        }
        Instruction::Healthcheck(check) => state.config.healthcheck = Some(health(check)),
        Instruction::Shell(shell) => state.config.shell = shell.clone(),
    }
    Ok(None)
}

fn words(state: &State, command: &Command) -> Vec<String> {
    match command {
        Command::Exec(words) => words.clone(),
        Command::Shell(line) => {
            let mut words = state.shell();
            words.push(line.clone());
            words
        }
    }
}

fn expanded(
    state: &State,
    pairs: &[(String, String)],
    escape: char,
) -> Result<Vec<(String, String)>, Fault> {
    let expand = |(name, value): &(String, String)| {
        Ok((state.expand(name, escape)?, state.expand(value, escape)?))
    };
    pairs.iter().map(expand).collect()
}

fn declare(
    state: &mut State,
    declared: &[(String, Option<String>)],
    request: &Request,
    globals: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Fault> {
    for (name, default) in declared {
        let given = request.arguments.get(name).cloned();
        let value = match (given, default) {
            (Some(given), _) => Some(given),
            (None, Some(default)) => Some(state.expand(default, request.escape())?),
            (None, None) => globals(name),
        };
        if let Some(value) = value {
            state.arguments.insert(name.clone(), value);
        }
    }
    Ok(())
}

fn expose(state: &mut State, ports: &[String], escape: char) -> Result<(), Fault> {
    for text in ports {
        for word in state.expand_words(text, escape)? {
            state.config.exposed_ports.extend(port_range(&word)?);
        }
    }
    Ok(())
}

/// `80`, `80/udp`, `8000-8010`; what stands before the last colon is a host's and means nothing here.
fn port_range(word: &str) -> Result<Vec<String>, Fault> {
    let fault = || Fault::Port {
        value: word.to_owned(),
    };
    let (ports, protocol) = word.split_once('/').unwrap_or((word, "tcp"));
    let protocol = protocol.to_lowercase();
    let ports = ports.rsplit(':').next().unwrap_or(ports);
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let first: u16 = first.parse().map_err(|_| fault())?;
    let last: u16 = last.parse().map_err(|_| fault())?;
    if first > last || !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(fault());
    }
    Ok((first..=last)
        .map(|port| format!("{port}/{protocol}"))
        .collect())
}

fn health(check: &HealthCheck) -> Healthcheck {
    let nanoseconds = |time: Option<Duration>| {
        i64::try_from(time.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX)
    };
    let test = match &check.command {
        None => vec!["NONE".to_owned()],
        Some(Command::Shell(line)) => vec!["CMD-SHELL".to_owned(), line.clone()],
        Some(Command::Exec(words)) => std::iter::once("CMD".to_owned())
            .chain(words.clone())
            .collect(),
    };
    Healthcheck {
        test,
        interval: nanoseconds(check.interval),
        timeout: nanoseconds(check.timeout),
        start_period: nanoseconds(check.start_period),
        start_interval: nanoseconds(check.start_interval),
        retries: i64::from(check.retries.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_ranges_and_protocols() {
        assert_eq!(port_range("80").unwrap(), ["80/tcp"]);
        assert_eq!(port_range("53/UDP").unwrap(), ["53/udp"]);
        assert_eq!(port_range("1-3/sctp").unwrap().len(), 3);
        for bad in ["x", "3-1", "70000", "80/http", ""] {
            assert!(port_range(bad).is_err(), "{bad}");
        }
    }
}

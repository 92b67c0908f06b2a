//! Settings of an image that is not built: instructions by themselves, as `docker commit --change` has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_dockerfile::{Dockerfile, Ignore, Instruction, Program};
use terrarium_oci::ExecConfig;

use crate::state::State;
use crate::{Fault, Files, Request, instructions};

/// Why a change cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadChange {
    /// It is not written as an instruction is.
    #[error("`{line}`: {why}")]
    Malformed {
        /// The change.
        line: String,
        /// What is wrong with it.
        why: String,
    },
    /// Its instruction does something else than changing settings.
    #[error("`{line}` does not change settings")]
    NotASetting {
        /// The change.
        line: String,
    },
    /// Its values do not fit.
    #[error("`{line}`")]
    Value {
        /// The change.
        line: String,
        /// Why.
        #[source]
        source: Fault,
    },
}

/// Carries out instructions that only change settings: `CMD`, `ENTRYPOINT`, `ENV`, `EXPOSE`, `HEALTHCHECK`,
/// `LABEL`, `ONBUILD`, `STOPSIGNAL`, `USER`, `VOLUME`, `WORKDIR`.
///
/// # Errors
/// The first change that cannot be made.
pub fn change(config: ExecConfig, changes: &[String]) -> Result<ExecConfig, BadChange> {
    let mut state = State {
        config,
        ..State::default()
    };
    for line in changes.iter().filter(|line| !line.trim().is_empty()) {
        let request = request(line);
        let program = Program::of(&Dockerfile::parse(&request.dockerfile));
        let program = program.map_err(|errors| BadChange::Malformed {
            line: line.clone(),
            why: errors.first().map_or_else(String::new, ToString::to_string),
        })?;
        if program.stages.len() != 1 {
            return Err(BadChange::NotASetting { line: line.clone() });
        }
        let steps = program.stages.into_iter().flat_map(|stage| stage.steps);
        for step in steps {
            apply(&mut state, &step.instruction, line, &request)?;
        }
    }
    Ok(state.config)
}

fn apply(
    state: &mut State,
    instruction: &Instruction,
    line: &str,
    request: &Request,
) -> Result<(), BadChange> {
    let line = || line.to_owned();
    if matches!(
        instruction,
        Instruction::Arg(_) | Instruction::Maintainer(_)
    ) {
        return Err(BadChange::NotASetting { line: line() });
    }
    let value = |source| BadChange::Value {
        line: line(),
        source,
    };
    let left = instructions::apply(state, instruction, request, &|_| None).map_err(value)?;
    match left {
        None => Ok(()),
        Some(Instruction::Workdir(path)) => {
            let path = state.expand(path, '\\').map_err(value)?;
            state.config.working_dir = state.absolute(&path);
            Ok(())
        }
        Some(_) => Err(BadChange::NotASetting { line: line() }),
    }
}

/// An instruction needs a stage to stand in.
fn request(line: &str) -> Request {
    Request {
        dockerfile: format!("FROM scratch\n{line}\n"),
        context: Arc::new(Files::default()),
        ignore: Ignore::parse(""),
        arguments: BTreeMap::new(),
        labels: BTreeMap::new(),
        target: None,
        platform: None,
        network: String::new(),
        secrets: BTreeMap::new(),
        agents: Default::default(),
        contexts: Default::default(),
        no_cache: false,
        epoch: None,
        now: 0,
        created: String::new(),
        inflate: Arc::new(|_, _| None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(lines: &[&str]) -> Result<ExecConfig, BadChange> {
        let config = ExecConfig {
            env: vec!["A=1".to_owned()],
            working_dir: "/srv".to_owned(),
            cmd: vec!["sh".to_owned()],
            ..ExecConfig::default()
        };
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        change(config, &lines)
    }

    #[test]
    fn every_setting_can_be_changed() {
        let config = changed(&[
            "ENV A=2 B=$A",
            "WORKDIR app",
            "LABEL who=\"you and me\"",
            "EXPOSE 80 53/udp",
            "USER 7",
            "VOLUME /data",
            "STOPSIGNAL SIGINT",
            "ENTRYPOINT [\"/init\"]",
        ])
        .unwrap();
        assert_eq!(config.env, ["A=2", "B=1"]);
        assert_eq!(config.working_dir, "/srv/app");
        assert_eq!(config.labels["who"], "you and me");
        assert_eq!(config.exposed_ports.len(), 2);
        assert_eq!(config.user, "7");
        assert_eq!(config.entrypoint, ["/init"]);
        assert!(config.cmd.is_empty(), "it was meant for another entrypoint");
        let config = changed(&["CMD echo hi"]).unwrap();
        assert_eq!(config.cmd, ["/bin/sh", "-c", "echo hi"]);
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for bad in [
            "RUN true", "COPY a b", "FROM x", "nonsense", "ARG x=1", "ENV", "EXPOSE x",
        ] {
            assert!(changed(&[bad]).is_err(), "{bad}");
        }
    }
}

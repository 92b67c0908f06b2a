//! One check: an exec process whose output and exit code are taken.

use std::{io, sync::Arc, time::Duration};

use terrarium_api::{ExecRequest, HealthProbe};
use terrarium_runtime::shim::protocol::Target;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::check::Check;
use crate::{
    Engine, Result,
    containers::{StartExec, container::Container, signal},
    time::now_ms,
};

/// Docker keeps so much of what a check wrote.
const OUTPUT_KEPT: usize = 4096;
/// How long a check that was killed may take to be gone.
const AFTER_KILL: Duration = Duration::from_secs(5);
const FRAME_HEAD_BYTES: usize = 8;

impl Engine {
    /// Runs a check once. Whatever goes wrong is its result.
    pub(super) async fn probe(&self, container: &Arc<Container>, check: &Check) -> HealthProbe {
        let started_at_ms = now_ms();
        let (exit_code, output) = match self.run_check(container, check).await {
            Ok(result) => result,
            Err(error) => (-1, error.to_string()),
        };
        HealthProbe {
            started_at_ms,
            ended_at_ms: now_ms(),
            exit_code,
            output,
        }
    }

    async fn run_check(&self, container: &Arc<Container>, check: &Check) -> Result<(i32, String)> {
        let exec = self
            .create_exec(ExecRequest {
                container: container.id.to_string(),
                command: check.command.clone(),
                env: Vec::new(),
                working_dir: None,
                user: None,
                terminal: false,
                stdin: false,
                privileged: false,
                detach_keys: None,
            })
            .await?;
        let attached = self.start_exec(&exec.id, StartExec::default()).await?;
        let mut kept = Vec::new();
        let ended = async {
            if let Some(mut attached) = attached {
                let _ = keep(&mut attached.output, &mut kept).await;
            }
            self.inner.execs.ended(&exec.id).await
        };
        let code = tokio::time::timeout(check.timeout, ended).await.ok();
        if code.is_none() {
            self.end_check(container, &exec.id).await;
        }
        self.inner.execs.forget(&exec.id);
        let output = String::from_utf8_lossy(&kept).into_owned();
        Ok(match code {
            Some(code) => (code, output),
            None => (
                -1,
                format!(
                    "Health check exceeded timeout ({:?}): {output}",
                    check.timeout
                ),
            ),
        })
    }

    async fn end_check(&self, container: &Arc<Container>, exec_id: &str) {
        let Some(shim) = container.shim() else { return };
        let sent = shim
            .kill(Target::Exec(exec_id.to_owned()), signal::KILL)
            .await;
        if sent.is_ok() {
            let gone = self.inner.execs.ended(exec_id);
            let _ = tokio::time::timeout(AFTER_KILL, gone).await;
        }
    }
}

/// Reads frames to the end and keeps the beginning of what they carry.
async fn keep(output: &mut (impl AsyncRead + Unpin), kept: &mut Vec<u8>) -> io::Result<()> {
    let mut head = [0; FRAME_HEAD_BYTES];
    loop {
        output.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let mut payload = output.take(u64::from(length));
        let room = OUTPUT_KEPT - kept.len().min(OUTPUT_KEPT);
        (&mut payload).take(room as u64).read_to_end(kept).await?;
        tokio::io::copy(&mut payload, &mut tokio::io::sink()).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_beginning_of_the_output_is_kept_and_the_rest_is_read() {
        let mut frames = Vec::new();
        for piece in [vec![b'a'; 4000], vec![b'b'; 4000], vec![b'c'; 10]] {
            frames.extend_from_slice(&[1, 0, 0, 0]);
            frames.extend_from_slice(&u32::try_from(piece.len()).unwrap().to_be_bytes());
            frames.extend_from_slice(&piece);
        }
        let (mut kept, mut output) = (Vec::new(), frames.as_slice());
        assert!(
            keep(&mut output, &mut kept).await.is_err(),
            "it ends at a frame"
        );
        assert_eq!(kept.len(), OUTPUT_KEPT);
        assert!(kept[..4000].iter().all(|byte| *byte == b'a'));
        assert!(output.is_empty());
    }
}

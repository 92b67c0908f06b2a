//! How long things take; shown, not judged: a test machine is busy.

use terrarium_api::{CreateContainer, NetworkMode};

use crate::engine::Fixture;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn a_run_of_true_step_by_step() {
    let Some(fixture) = Fixture::open().await else {
        return;
    };
    for network in [NetworkMode::None, NetworkMode::Bridge] {
        let mut totals = Vec::new();
        for round in 0..20 {
            let request = CreateContainer {
                network: network.clone(),
                ..fixture.shell("true")
            };
            let begun = std::time::Instant::now();
            let created = fixture.engine.create_container(request).await.unwrap();
            let at_create = begun.elapsed();
            let started = fixture
                .engine
                .start_container(&created.value.id)
                .await
                .unwrap();
            let at_start = begun.elapsed();
            fixture.exit(&created.value.id).await;
            let at_exit = begun.elapsed();
            fixture
                .engine
                .remove_container(crate::engine::remove(&created.value.id))
                .await
                .unwrap();
            totals.push((at_create, at_start, at_exit, begun.elapsed()));
            if round == 19 {
                for step in created.trace.kernel.iter().chain(&started.trace.kernel) {
                    eprintln!(
                        "{:>7} {:>7} {} {:.60}",
                        step.start_usec,
                        step.end_usec - step.start_usec,
                        step.name,
                        step.detail
                    );
                }
            }
        }
        totals.sort();
        eprintln!(
            "{network:?}: median create, start, exit, remove at {:?}",
            totals[10]
        );
    }
    fixture.close().await;
}

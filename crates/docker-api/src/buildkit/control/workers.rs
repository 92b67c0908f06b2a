//! What answers, and what it can do.

use terrarium_buildkit::messages::{
    BuildkitVersion, Capability, InfoResponse, ListWorkersResponse, Platform, PongResponse,
    WorkerRecord,
};

/// What clients may use of the gateway, by BuildKit's names.
const GATEWAY: [&str; 6] = [
    "solve.base",
    "return",
    "returnmap",
    "proto.refarray",
    "gateway.solve.metadata",
    "gateway.solve.evaluate",
];

pub(super) fn list() -> ListWorkersResponse {
    let host = terrarium_oci::Platform::host().to_string();
    let mut parts = host.split('/').map(str::to_owned);
    let platform = Platform {
        os: parts.next().unwrap_or_default(),
        architecture: parts.next().unwrap_or_default(),
        variant: parts.next().unwrap_or_default(),
    };
    // By this label clients tell whether images can be sent anywhere but into the engine that built them.
    let label = "org.mobyproject.buildkit.worker.snapshotter";
    let worker = WorkerRecord {
        id: "terrarium".to_owned(),
        labels: [(label.to_owned(), "terrarium".to_owned())].into(),
        platforms: vec![platform],
        version: Some(version()),
    };
    ListWorkersResponse {
        workers: vec![worker],
    }
}

pub(super) fn info() -> InfoResponse {
    InfoResponse {
        version: Some(version()),
    }
}

/// What may be asked for of a build, by BuildKit's names.
const STEPS: [&str; 1] = ["exporter.multiple"];

pub(super) fn pong() -> PongResponse {
    let capability = |id: &str| Capability {
        id: id.to_owned(),
        enabled: true,
    };
    PongResponse {
        frontend_capabilities: GATEWAY.map(capability).to_vec(),
        step_capabilities: STEPS.map(capability).to_vec(),
    }
}

fn version() -> BuildkitVersion {
    BuildkitVersion {
        package: "terrarium".to_owned(),
        version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(),
        revision: String::new(),
    }
}

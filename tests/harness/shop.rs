//! Two services of a Compose file that know each other by name.

use std::process::Command;

use crate::Host;

/// One is published, the other leads nowhere.
pub const SHOP: &str = r#"
version: "3.8"
services:
  web:
    image: alpine
    command: nc -ll -p 80 -e echo web
    ports: ["127.0.0.1::80"]
    networks: [front, back]
    depends_on: [db]
  db:
    image: alpine
    command: nc -ll -p 80 -e echo db
    networks:
      back: { aliases: [store] }
networks:
  front: {}
  back: { internal: true }
"#;

/// A `docker-compose` of the project `shop` against a host, to be given its verb and its folder.
pub fn compose(host: &Host) -> Command {
    let mut command = host.program("docker-compose");
    command.args(["--project-name", "shop", "--ansi", "never"]);
    command
}

//! From the start of the process to the first response, on an existing database.

use crate::client::Client;
use crate::node::{Backends, Node, scratch};
use crate::report::{Report, Row, median, millis};
use std::path::Path;
use std::time::Instant;

/// Number of starts, whose median is reported.
const STARTS: usize = 11;

pub async fn measure(program: &Path, report: &mut Report) {
    let mut rows = Vec::new();
    for backends in [Backends::Embedded, Backends::servers()] {
        let folder = scratch();
        drop(Node::start(program, &backends, folder.path()).await);
        let (mut listening, mut first) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let node = Node::start(program, &backends, folder.path()).await;
            let began = Instant::now();
            assert_eq!(Client::new(&node.target).get("/sign-in").await.status, 200);
            listening.push(millis(node.started_in));
            first.push(millis(began.elapsed()));
        }
        let columns = vec![("ready ms", median(listening)), ("page after that ms", median(first))];
        rows.push(Row { what: format!("{}, median of {STARTS}", backends.name()), columns });
    }
    report.table("start", rows);
}

use super::super::columns::TextTable;
use super::super::{Failure, json_line, say, write};
use super::show::Line;
use crate::server::admin::{Applications, ApplicationsFile, Applied, ApplyReport, Refused};
use crate::server::model::Group;
use serde::Serialize;
use std::path::Path;

/// The outcome for one application in JSON output.
#[derive(Serialize)]
struct AppliedLine<'a> {
    outcome: &'static str,
    needs_secret: bool,
    #[serde(flatten)]
    line: Line<'a>,
}

/// Applies a file and reports the outcome for each application.
pub async fn run(path: &Path, json: bool, applications: Applications<'_>) -> Result<(), Failure> {
    let file = ApplicationsFile::read(path).map_err(Refused::from)?;
    let ApplyReport { groups, applications: applied } = applications.apply(&file).await?;
    let mut table = TextTable::headed(["application", "who", "outcome"]);
    for Applied { application, client, outcome, needs_secret } in &applied {
        let line = Line::new(application).with_client(client.as_ref(), None);
        if json {
            json_line(&AppliedLine { outcome: outcome.name(), needs_secret: *needs_secret, line })?;
        } else {
            table.add([line.id.to_owned(), line.who, outcome.name().to_owned()]);
        }
    }
    if !json && !applied.is_empty() {
        write(&table)?;
    }
    for Group { name, from_file, .. } in &groups {
        let outcome =
            if *from_file { "now matches the file" } else { "is no longer in the file, and keeps its members" };
        say(&format!("group {name} {outcome}"));
    }
    for Applied { application, .. } in applied.iter().filter(|one| one.needs_secret) {
        let id = &application.id;
        say(&format!("application {id} has no secret yet: `latchkey apps secret add {id}`, or set client_secret_file"));
    }
    say(&format!("applied {}", path.display()));
    Ok(())
}

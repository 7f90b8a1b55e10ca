use super::*;
use crate::server::admin::Setting;
use std::time::Duration;

fn parse(text: &str) -> Result<ApplicationsFile, Mistakes> {
    ApplicationsFile::parse(Path::new("/nowhere/applications.toml"), text)
}

#[test]
fn a_file_has_groups_and_applications_with_the_options_of_the_commands() {
    let file = parse(
        "[[group]]\nname = 'family'\ntitle = 'The family'\ndefault = true\n\
         [[application]]\nid = 'wiki'\nwho = ['family', 'friends']\nmax_age = '12h'\n\
         [[application]]\nid = 'git'\npreset = 'gitea'\nurl = 'https://git.example'\nwho = 'everybody'\n\
         [application.oidc]\nclient_id = 'gitea'\nalgorithm = 'ES256'\n\
         claims = [{ group = 'family', claim = 'level', value = '3' }]\n",
    )
    .unwrap();
    assert!(file.groups[0].is_default && file.groups[0].title.as_ref().unwrap().as_str() == "The family");
    let [git, wiki] = &file.applications[..] else { panic!("{:?}", file.applications) };
    assert_eq!(wiki.groups().map(ToString::to_string).collect::<Vec<_>>(), ["family", "friends"]);
    assert_eq!((wiki.name.as_str(), wiki.change.client.is_set()), ("wiki", false));
    assert_eq!(wiki.change.max_age, Setting::Set(Duration::from_hours(12)));
    assert_eq!((git.line, git.name.as_str()), (9, "Gitea"));
    let client = &git.change.client;
    assert!(client.redirect_uris.as_ref().unwrap()[0].starts_with("https://git.example/"));
    assert_eq!((client.client_id.as_deref(), client.claim_rules.as_ref().unwrap().len()), (Some("gitea"), 1));
}

#[test]
fn every_mistake_is_listed_with_its_line() {
    let text = "\
color = 'red'
[[group]]
title = 'No name'
[[group]]
name = 'Family'
default = 'yes'
[[group]]
name = 'staff'
[[group]]
name = 'staff'
[[application]]
id = 'wiki'
redirect_uris = ['https://wiki.example/cb']
who = 7
method = 'password'
[application.forward]
hosts = []
[[application]]
id = 'git'
preset = 'gitea'
[[application]]
id = 'photos'
logo = 'not-there.png'
[application.oidc]
pkce = 'never'
claims = [{ group = 'family', claim = 'sub', value = 'x' }]
client_secret_file = 'not-there'
[[application]]
id = 'git'
[[application]]
id = 'c'
[application.oidc]
redirect_uris = ['javascript:alert(1)']
[[application]]
id = 'd'
[application.oidc]
redirect_uris = ['https://d.example/cb']
public = true
client_secret_file = 'Cargo.toml'
";
    let mistakes = parse(text).unwrap_err();
    let found: Vec<_> = mistakes.iter().map(|one| format!("{}: {}", one.line, one.what)).collect();
    for expected in [
        "1: color is unknown here",
        "2: name is missing",
        "5: name must be 1 to 64",
        "6: default must be true or false",
        "9: group staff is defined twice",
        "13: redirect_uris belongs in [application.oidc]",
        "14: who must be a string",
        "15: method must be one of any, passkey, device-bound",
        "16: forward is not supported by this version",
        "18: the preset gitea needs the URL",
        "23: logo cannot be read from /nowhere/not-there.png",
        "21: at least one redirect URI is required",
        "25: pkce must be required or optional",
        "26: claims must be GROUP:CLAIM=VALUE",
        "27: client_secret_file must name a file",
        "28: application git is defined twice",
        "30: the redirect URI javascript:alert(1)",
    ] {
        assert!(found.iter().any(|one| one.starts_with(expected)), "{expected} in {found:#?}");
    }
    assert_eq!(found.len(), 18, "{found:#?}");
    assert!(mistakes.to_string().contains("has 18 mistakes"), "{mistakes}");
    let broken = parse("[[group]]\nname = \n[[application]\n").unwrap_err();
    assert_eq!(broken.iter().map(|one| one.line).collect::<Vec<_>>().first(), Some(&2), "{broken}");
}

#[test]
fn an_oversized_or_missing_file_or_a_folder_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("applications.toml");
    assert!(ApplicationsFile::read(&path).unwrap_err().to_string().contains("cannot be read"));
    std::fs::write(&path, "#".repeat(1024 * 1024 + 1)).unwrap();
    assert!(ApplicationsFile::read(&path).unwrap_err().to_string().contains("more than 1048576 bytes"));
    assert!(ApplicationsFile::read(folder.path()).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn a_secrets_file_has_one_secret_per_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets");
    let of = |text: &str| {
        std::fs::write(&path, text).unwrap();
        secrets(&path).map(|secrets| secrets.len())
    };
    let good = "x".repeat(32);
    assert_eq!(of(&format!("{good}\n\n {good}y \n")), Ok(2));
    for wrong in ["", "short", &"ä".repeat(20), &format!("{good} {good}"), &format!("{good}\n").repeat(11)] {
        assert!(of(wrong).unwrap_err().starts_with(SECRET_FORM), "{wrong}");
    }
}

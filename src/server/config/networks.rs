use super::{Problems, Source};
use ipnet::IpNet;

/// Networks separated by commas; none if the setting is not set.
pub(super) fn networks(source: &Source, name: &'static str, problems: &mut Problems) -> Vec<IpNet> {
    let Some(text) = source.get(name) else { return Vec::new() };
    let network = |text: &str| text.parse::<IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    let parsed = text.split(',').map(str::trim).map(network).collect::<Result<Vec<_>, _>>();
    let is_everything = |networks: &Vec<IpNet>| IpNet::aggregate(networks).iter().any(|net| net.prefix_len() == 0);
    match parsed {
        Ok(networks) if !is_everything(&networks) => networks,
        _ => {
            problems.add(name, text, "networks such as 10.0.0.0/8, separated by commas; not all addresses (/0)");
            Vec::new()
        }
    }
}

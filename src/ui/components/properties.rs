//! Passes properties from the server to islands. Island arguments would make every browser download a JSON parser
//! (docs/adr/0004).

use crate::types::PropertyMap;
use leptos::attr::any_attribute::{AnyAttribute, IntoAnyAttribute};
use leptos::attr::custom::custom_attribute;
use leptos::context::Provider;
use leptos::prelude::*;

/// The properties of an island: the page writes them and the island reads them, both through [`properties!`].
pub trait Properties: Sized {
    fn into_map(self) -> PropertyMap;

    /// Reads the properties of the island that is being built.
    fn read() -> Self;
}

/// Defines a struct that implements [`Properties`]; each field is a [`Property`](crate::types::Property). Field names
/// have no capitals, since HTML attribute names are case-insensitive.
macro_rules! properties {
    ($(#[$about:meta])* struct $Name:ident { $($(#[$doc:meta])* $member:ident: $Type:ty,)* }) => {
        $(#[$about])*
        struct $Name {
            $($(#[$doc])* $member: $Type,)*
        }

        impl $crate::ui::components::Properties for $Name {
            fn into_map(self) -> $crate::types::PropertyMap {
                let mut given = $crate::types::PropertyMap::default();
                $(given.put(stringify!($member), self.$member);)*
                given
            }

            fn read() -> Self {
                use $crate::types::Property;
                Self { $($member: Property::from_attribute($crate::browser::island_property(stringify!($member))),)* }
            }
        }
    };
}

pub(crate) use properties;

/// Passes properties to the island directly inside it: by context on the server, by attributes of the surrounding
/// element in the browser. The island must read them while it is built, since the page names only the island that is
/// being hydrated.
#[component]
pub fn WithProperties<P: Properties + 'static>(properties: P, children: Children) -> impl IntoView {
    let given = properties.into_map();
    let attribute = |(name, text)| custom_attribute(format!("data-{name}"), text).into_any_attr();
    let attributes: Vec<AnyAttribute> = given.clone().into_iter().map(attribute).collect();
    view! {
        <Provider value=given>
            <div {..attributes}>{children()}</div>
        </Provider>
    }
}

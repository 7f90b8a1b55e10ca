//! How islands get their properties from the server: not as arguments, since Leptos would send a JSON parser to every
//! browser for those (docs/adr/0004).

use crate::types::Given;
use leptos::attr::any_attribute::{AnyAttribute, IntoAnyAttribute};
use leptos::attr::custom::custom_attribute;
use leptos::context::Provider;
use leptos::prelude::*;

/// The properties of one island: written by the page and read by the island, both through [`properties!`].
pub trait Properties: Sized {
    fn written(self) -> Given;

    /// The properties of the island that is being built.
    fn given() -> Self;
}

/// A structure of [`Properties`]; each member is a [`Property`](crate::types::Property). Names have no capitals: HTML writes
/// them as they are, and scripts read them so.
macro_rules! properties {
    ($(#[$about:meta])* struct $Name:ident { $($(#[$doc:meta])* $member:ident: $Type:ty,)* }) => {
        $(#[$about])*
        struct $Name {
            $($(#[$doc])* $member: $Type,)*
        }

        impl $crate::ui::components::Properties for $Name {
            fn written(self) -> $crate::types::Given {
                let mut given = $crate::types::Given::default();
                $(given.put(stringify!($member), self.$member);)*
                given
            }

            fn given() -> Self {
                use $crate::types::Property;
                Self { $($member: Property::read($crate::browser::given(stringify!($member))),)* }
            }
        }
    };
}

pub(crate) use properties;

/// Passes properties to the island directly inside: on the server by context, in the browser by attributes of the
/// element around it. The island must read them while it is built, since the page names only the island being hydrated.
#[component]
pub fn Give<P: Properties + 'static>(what: P, children: Children) -> impl IntoView {
    let given = what.written();
    let attribute = |(name, text)| custom_attribute(format!("data-{name}"), text).into_any_attr();
    let attributes: Vec<AnyAttribute> = given.clone().into_iter().map(attribute).collect();
    view! {
        <Provider value=given>
            <div {..attributes}>{children()}</div>
        </Provider>
    }
}

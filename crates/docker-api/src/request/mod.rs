//! What handlers take out of a request: parameters, JSON bodies, the API version.

mod body;
mod params;
mod version;

pub(crate) use body::{Body, nullable};
pub(crate) use params::Params;
pub(crate) use version::{ApiVersion, MAX, MIN, split};

/// Declares a struct of a JSON body in Docker's case.
///
/// Go's encoder sends `null` for empty lists and maps, so every field takes `null` as absent.
/// Unknown fields are ignored.
macro_rules! json_body {
    ($($(#[$meta:meta])* struct $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $ty:ty,)*
        $(..$flat:ident: $flat_ty:ty,)?
    })*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, rename_all = "PascalCase")]
        pub(crate) struct $name {
            $(
                $(#[$field_meta])*
                #[serde(deserialize_with = "crate::request::nullable")]
                pub(crate) $field: $ty,
            )*
            // Not through `nullable`: an option of a flattened struct swallows its errors.
            $(#[serde(flatten)] pub(crate) $flat: $flat_ty,)?
        }
    )* };
}
pub(crate) use json_body;

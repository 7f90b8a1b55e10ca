mod account;
mod home;
mod refusal;
mod sign_in;
mod sign_up;

pub use account::AccountPage;
pub use home::HomePage;
pub use refusal::{RefusalPage, heading};
pub use sign_in::SignInPage;
pub use sign_up::SignUpPage;

//! How an action ends: the JSON of its result, or why there is none. It does not write the envelope.

/// JSON text of a `result`, or why there is none.
pub(super) type Outcome = Result<String, Failure>;

/// The ways an action fails, each with CKAN's `__type` and status.
#[derive(Debug)]
pub(super) enum Failure {
    /// `Not Found Error`, 404, with its message.
    NotFound(String),
    /// `Validation Error`, 409: one parameter and what is wrong with it.
    Validation(&'static str, Vec<String>),
    /// `Search Query Error`, 400, with its message.
    SearchQuery(String),
    /// No such action: 400, and a bare JSON string for a body.
    UnknownAction,
}

impl Failure {
    /// A `Validation Error` with one message.
    pub(super) fn validation(parameter: &'static str, message: impl Into<String>) -> Self {
        Self::Validation(parameter, vec![message.into()])
    }

    /// What the datastore says of a parameter's value that names nothing.
    pub(super) fn invalid_value(parameter: &'static str, value: &str) -> Self {
        Self::validation(parameter, format!("invalid value \"{value}\""))
    }

    /// CKAN's plain `Not found`.
    pub(super) fn not_found() -> Self {
        Self::NotFound("Not found".to_owned())
    }
}

//! Systems Manager: Parameter Store.

mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::http::request::Parts;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use store::{ParameterError, ParameterKind};

use crate::VirtualClock;
use crate::answer::ServiceError;
use crate::input::{Input, Text};
use crate::page::Page;
use crate::service::{AnswerFuture, Endpoint, Request, Service, target};
use store::{Put, Store};

/// botocore API model: `PSParameterName`.
const NAME: Text = Text::of(1, 2048);

/// Parameter Store's state, and a way to it that makes no request. Clones share
/// it.
#[derive(Clone, Debug)]
pub struct Ssm {
    clock: VirtualClock,
    store: Arc<Mutex<Store>>,
}

impl Ssm {
    pub(crate) fn new(clock: VirtualClock, region: &str, account: &str) -> Self {
        Self {
            clock,
            store: Arc::new(Mutex::new(Store::new(region, account))),
        }
    }

    /// Creates or overwrites a `String` parameter and returns its version. A value
    /// over 4 KB makes it an advanced parameter.
    pub fn put_parameter(&self, name: &str, value: &str) -> Result<u64, ParameterError> {
        let put = Put {
            name,
            value,
            kind: Some(ParameterKind::String),
            overwrite: true,
            tier: Some("Intelligent-Tiering"),
        };
        let (version, _) = self.lock().put(&put, self.clock.now())?;
        Ok(version)
    }

    /// Deletes a parameter with all its versions.
    pub fn delete_parameter(&self, name: &str) -> Result<(), ParameterError> {
        self.lock().delete(name)
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn perform(&self, operation: &str, request: &Value) -> Result<Value, ServiceError> {
        let mut store = self.lock();
        match operation {
            "GetParameter" => get(&store, request),
            "GetParameters" => get_many(&store, request),
            "GetParametersByPath" => get_by_path(&store, request),
            "PutParameter" => put(&mut store, request, self.clock.now()),
            "DeleteParameter" => delete(&mut store, request),
            unknown => Err(ServiceError::unknown_operation(unknown)),
        }
    }
}

impl Endpoint for Ssm {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn operation(&self, head: &Parts) -> Option<String> {
        target(head, "AmazonSSM")
    }

    fn answer(&self, request: Request) -> AnswerFuture<'_> {
        request.answered(self.service(), |operation, members| {
            self.perform(operation, members)
        })
    }
}

impl From<ParameterError> for ServiceError {
    fn from(error: ParameterError) -> Self {
        Self::refused(error.code(), error.to_string())
    }
}

fn get(store: &Store, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["Name", "WithDecryption"])?;
    input.boolean("WithDecryption")?;
    let parameter = store.get(input.text("Name", NAME)?)?;
    Ok(json!({"Parameter": parameter}))
}

/// Names that do not exist are listed, not an error (botocore API model: 1..=10
/// names).
fn get_many(store: &Store, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["Names", "WithDecryption"])?;
    input.boolean("WithDecryption")?;
    let mut parameters = Vec::new();
    let mut invalid = Vec::new();
    for name in input.texts("Names", 1, 10, NAME)? {
        match store.get(name) {
            Ok(parameter) => parameters.push(parameter),
            Err(_) => invalid.push(name),
        }
    }
    Ok(json!({"Parameters": parameters, "InvalidParameters": invalid}))
}

/// botocore API model: `MaxResults` 1..=10.
fn get_by_path(store: &Store, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &[
            "Path",
            "Recursive",
            "ParameterFilters",
            "WithDecryption",
            "MaxResults",
            "NextToken",
        ],
    )?;
    input.boolean("WithDecryption")?;
    input.refuse_unsupported(&["ParameterFilters"])?;
    let path = input.text("Path", NAME)?;
    if !path.starts_with('/') {
        return Err(ServiceError::validation(format!(
            "The parameter doesn't meet the parameter name requirements. The path '{path}' must begin with '/'."
        )));
    }
    let page = Page {
        size: input.page_size(10)?,
        next_token: input.optional_text("NextToken", Text::of(0, 8192))?,
        bad_token: "InvalidNextToken",
    };
    let names = store.names();
    let recursive = input.boolean("Recursive")?;
    let (shown, token) = page.cut(names, ToString::to_string, |name| {
        store::is_under(name, path, recursive)
    })?;
    let parameters = shown
        .into_iter()
        .map(|name| store.get(name))
        .collect::<Result<Vec<_>, _>>()?;
    let mut answer = json!({"Parameters": parameters});
    if let Some(token) = token {
        answer["NextToken"] = json!(token);
    }
    Ok(answer)
}

fn put(store: &mut Store, request: &Value, now: Timestamp) -> Result<Value, ServiceError> {
    let input = Input::new(
        request,
        &[
            "Name",
            "Description",
            "Value",
            "Type",
            "KeyId",
            "Overwrite",
            "AllowedPattern",
            "Tags",
            "Tier",
            "Policies",
            "DataType",
        ],
    )?;
    input.refuse_unsupported(&["KeyId", "AllowedPattern", "Policies"])?;
    input.optional_text("Description", Text::of(0, 1024))?;
    input.list("Tags", 0, 1000)?;
    // `aws:ec2:image` values are checked against EC2, which is not here.
    input.one_of("DataType", &["text"])?;
    let kind = input.one_of("Type", &["String", "StringList", "SecureString"])?;
    let put = Put {
        name: input.text("Name", NAME)?,
        value: input.text("Value", Text::of(0, usize::MAX))?,
        kind: kind.and_then(ParameterKind::from_name),
        overwrite: input.boolean("Overwrite")?,
        tier: input.one_of("Tier", &["Standard", "Advanced", "Intelligent-Tiering"])?,
    };
    let (version, tier) = store.put(&put, now)?;
    Ok(json!({"Version": version, "Tier": tier}))
}

fn delete(store: &mut Store, request: &Value) -> Result<Value, ServiceError> {
    let input = Input::new(request, &["Name"])?;
    store.delete(input.text("Name", NAME)?)?;
    Ok(json!({}))
}

#[cfg(test)]
mod tests;

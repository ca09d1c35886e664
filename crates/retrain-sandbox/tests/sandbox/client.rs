//! Clients: what configures those of the SDK, and a plain one over HTTP for what an SDK would
//! not send and does not show.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::http::response::Parts;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::{Client as HttpClient, Error, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use retrain_sandbox::sagemaker::Pipeline;
use retrain_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

#[derive(Clone)]
pub(crate) struct Client {
    http: HttpClient<HttpConnector, Full<Bytes>>,
    url: String,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn code(&self) -> &str {
        self.body["__type"].as_str().unwrap_or_default()
    }
}

impl Client {
    /// An operation; an error if the connection closed without an answer.
    pub(crate) async fn call(&self, target: &str, body: &Value) -> Result<Reply, Error> {
        let request = Request::post(&self.url)
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1");
        self.send(request, body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let request = Request::get(format!("{}{path}", self.url));
        self.send(request, String::new()).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        let request = Request::post(format!("{}{path}", self.url));
        self.send(request, body.to_string()).await.unwrap()
    }

    pub(crate) async fn send(
        &self,
        request: hyper::http::request::Builder,
        body: String,
    ) -> Result<Reply, Error> {
        let (head, bytes) = self.exchange(request, body.into()).await?;
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: serde_json::from_slice(&bytes).unwrap(),
        })
    }

    /// A request and its answer, whatever they are.
    pub(crate) async fn exchange(
        &self,
        request: hyper::http::request::Builder,
        body: Bytes,
    ) -> Result<(Parts, Bytes), Error> {
        let request = request.body(Full::new(body)).unwrap();
        let (head, body) = self.http.request(request).await?.into_parts();
        Ok((head, body.collect().await.unwrap().to_bytes()))
    }

    pub(crate) async fn start(&self, token: usize) -> Result<Reply, Error> {
        let request = json!({
            "PipelineName": "churn",
            "ClientRequestToken": format!("{token:032}"),
        });
        self.call("SageMaker.StartPipelineExecution", &request)
            .await
    }
}

/// A sandbox with the pipeline `churn`, and a client of it.
pub(crate) async fn sandbox() -> (Sandbox, Client) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    sandbox
        .sagemaker()
        .create_pipeline(Pipeline::new("churn"))
        .unwrap();
    let client = of(&sandbox);
    (sandbox, client)
}

/// What the SDK's clients of a sandbox have in common. They try once.
pub(crate) fn config(sandbox: &Sandbox) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "sandbox", "sandbox", None, None, "test",
        )))
        .endpoint_url(sandbox.endpoint_url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .build()
}

/// A client of a sandbox.
pub(crate) fn of(sandbox: &Sandbox) -> Client {
    Client {
        http: HttpClient::builder(TokioExecutor::new()).build_http(),
        url: sandbox.endpoint_url().to_owned(),
    }
}

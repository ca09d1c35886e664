//! AWS as the functions see it: it passes calls on to the sandbox, or answers them as the
//! sandbox has answered them before.
//!
//! Each service has an address of its own, as at AWS, so each client makes a connection of
//! its own; and each has one with TLS.

mod call;
mod tape;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) use self::call::Call;
pub(crate) use self::tape::Tape;

/// The services, as the SDKs name them in `AWS_ENDPOINT_URL_...`.
const SERVICES: [&str; 6] = [
    "CLOUDWATCH",
    "CODEPIPELINE",
    "DYNAMODB",
    "S3",
    "SAGEMAKER",
    "SSM",
];

/// The addresses of all services.
pub(crate) struct Endpoint {
    addresses: BTreeMap<(&'static str, bool), SocketAddr>,
    shared: Arc<Shared>,
}

/// What the addresses share.
struct Shared {
    client: Client<HttpConnector, Full<Bytes>>,
    state: Mutex<State>,
}

struct State {
    upstream: String,
    mode: Mode,
    /// The calls since they were taken.
    calls: Vec<Call>,
}

#[derive(Clone)]
enum Mode {
    /// Ask the sandbox, after so long.
    Forward(Duration),
    /// Ask the sandbox and keep what it answers.
    Record(Tape),
    /// Answer what the sandbox has answered.
    Replay(Tape),
}

impl Endpoint {
    /// Listens for all services.
    pub(crate) async fn start(tls: TlsAcceptor) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            client: Client::builder(TokioExecutor::new()).build_http(),
            state: Mutex::new(State {
                upstream: String::new(),
                mode: Mode::Forward(Duration::ZERO),
                calls: Vec::new(),
            }),
        });
        let mut addresses = BTreeMap::new();
        for service in SERVICES {
            for tls in [None, Some(tls.clone())] {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let of = (service, tls.is_some());
                addresses.insert(of, listener.local_addr()?);
                tokio::spawn(listen(listener, tls, service, Arc::clone(&shared)));
            }
        }
        Ok(Self { addresses, shared })
    }

    /// The variables that lead the SDKs here.
    pub(crate) fn environment(&self, tls: bool) -> BTreeMap<String, String> {
        let scheme = if tls { "https" } else { "http" };
        let of_scheme = { &self.addresses }
            .iter()
            .filter(|((_, is_tls), _)| *is_tls == tls);
        let variable = |((service, _), address): (&(&str, bool), &SocketAddr)| {
            let name = format!("AWS_ENDPOINT_URL_{service}");
            (name, format!("{scheme}://{address}"))
        };
        of_scheme.map(variable).collect()
    }

    /// Passes calls on to this sandbox, after so long.
    pub(crate) fn forward(&self, upstream: &str, delay: Duration) {
        self.turn(Mode::Forward(delay), Some(upstream));
    }

    /// Passes calls on to this sandbox, and keeps its answers.
    pub(crate) fn record(&self, upstream: &str) {
        self.turn(Mode::Record(Tape::default()), Some(upstream));
    }

    /// What was recorded.
    pub(crate) fn tape(&self) -> Tape {
        match &self.shared.state.lock().unwrap().mode {
            Mode::Record(tape) | Mode::Replay(tape) => tape.clone(),
            Mode::Forward(_) => Tape::default(),
        }
    }

    /// Answers as recorded.
    pub(crate) fn replay(&self, tape: Tape) {
        self.turn(Mode::Replay(tape), None);
    }

    /// The calls since the last time, and the tape from its beginning again.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        let mut state = self.shared.state.lock().unwrap();
        if let Mode::Replay(tape) = &mut state.mode {
            tape.rewind();
        }
        std::mem::take(&mut state.calls)
    }

    fn turn(&self, mode: Mode, upstream: Option<&str>) {
        let mut state = self.shared.state.lock().unwrap();
        state.mode = mode;
        state.calls.clear();
        if let Some(upstream) = upstream {
            upstream.clone_into(&mut state.upstream);
        }
    }
}

async fn listen(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: &'static str,
    shared: Arc<Shared>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, service, shared).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, service, shared).await;
                    }
                }
            }
        });
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    service: &'static str,
    shared: Arc<Shared>,
) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(shared.answer(service, request).await) }
    });
    // A function's process ends with its connections open.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

impl Shared {
    async fn answer(
        &self,
        service: &'static str,
        request: Request<Incoming>,
    ) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let call = Call::read(service, &head, &body);
        let operation = call.operation.clone();
        let (mode, upstream) = {
            let mut state = self.state.lock().unwrap();
            state.calls.push(call);
            if let Mode::Replay(tape) = &mut state.mode {
                return tape.play(&operation);
            }
            (state.mode.clone(), state.upstream.clone())
        };
        if let Mode::Forward(delay) = mode
            && !delay.is_zero()
        {
            tokio::time::sleep(delay).await;
        }
        let (head, body) = self.ask(&upstream, head, body).await;
        if let Mode::Record(tape) = &mut self.state.lock().unwrap().mode {
            tape.keep(&operation, head.clone(), body.clone());
        }
        head.map(|()| Full::new(body))
    }

    async fn ask(&self, upstream: &str, head: Parts, body: Bytes) -> (Response<()>, Bytes) {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let is_head = head.method == Method::HEAD;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method;
        *request.uri_mut() = format!("{upstream}{path}").parse().unwrap();
        *request.headers_mut() = head.headers;
        request.headers_mut().remove(header::HOST);
        let (head, body) = self.client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let mut response = Response::new(());
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        response.headers_mut().remove(header::TRANSFER_ENCODING);
        if !is_head {
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        (response, body)
    }
}

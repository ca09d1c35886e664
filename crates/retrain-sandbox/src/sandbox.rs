//! Starts and stops it all.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::control::Control;
use crate::http::{self, Router};
use crate::seed::{Seed, SeedError};
use crate::{
    CallLog, CloudWatch, CodePipeline, EventBridge, Faults, Lambda, S3, SageMaker, Sqs, Ssm,
    VirtualClock, dynamodb,
};

/// How a sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Its clock.
    pub clock: VirtualClock,
    /// The account of its ARNs.
    pub account: String,
    /// The region of its ARNs.
    pub region: String,
}

impl Default for Options {
    /// A free port of 127.0.0.1 and a clock that stands still at the first
    /// Monday of 2026.
    fn default() -> Self {
        let monday = Timestamp::constant(1_767_571_200, 0);
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: VirtualClock::fixed(monday),
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }
}

/// A running sandbox. Dropping it closes its connections and discards what its
/// faults hold; state and log stay readable through the handles.
#[derive(Debug)]
pub struct Sandbox {
    endpoint_url: String,
    control: Control,
    /// Held calls wait for this as well as for their verdict.
    stopping: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts the servers on the caller's Tokio runtime.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let endpoint_url = format!("http://{}", listener.local_addr()?);
        let Options {
            clock,
            account,
            region,
            ..
        } = options;
        let cloudwatch = CloudWatch::new(clock.clone(), &region, &account);
        let codepipeline = CodePipeline::new(clock.clone(), &region, &account);
        let eventbridge = EventBridge::new(&region, &account);
        let lambda = Lambda::new(&region, &account);
        let s3 = S3::new(clock.clone(), &region, &account);
        let sagemaker = SageMaker::new(clock.clone(), &region, &account);
        let sqs = Sqs::new(clock.clone(), &region, &account);
        let ssm = Ssm::new(clock.clone(), &region, &account);
        let (dynamodb, database_server) = dynamodb::start().await?;
        let control = Control {
            clock,
            faults: Faults::default(),
            calls: CallLog::default(),
            cloudwatch: cloudwatch.clone(),
            codepipeline: codepipeline.clone(),
            eventbridge: eventbridge.clone(),
            lambda: lambda.clone(),
            s3: s3.clone(),
            sagemaker: sagemaker.clone(),
            sqs: sqs.clone(),
            ssm: ssm.clone(),
        };
        let (stopping, stop) = watch::channel(false);
        let router = Arc::new(Router {
            endpoints: vec![
                // Their paths would be a bucket's, so they come before S3.
                Box::new(cloudwatch),
                Box::new(lambda),
                Box::new(codepipeline),
                Box::new(dynamodb),
                Box::new(eventbridge),
                Box::new(s3),
                Box::new(sagemaker),
                Box::new(sqs),
                Box::new(ssm),
            ],
            control: control.clone(),
            stop,
            answered: AtomicU64::new(0),
        });
        let server = tokio::spawn(async move {
            // Accepting fails only when the process is out of file descriptors;
            // clients then see refused connections.
            let _ = http::serve(listener, router).await;
        });
        Ok(Self {
            endpoint_url,
            control,
            stopping,
            servers: vec![server, database_server],
        })
    }

    /// What to set `AWS_ENDPOINT_URL` to.
    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The clock of all its services.
    pub fn clock(&self) -> &VirtualClock {
        &self.control.clock
    }

    /// CloudWatch's alarms, without a request.
    pub fn cloudwatch(&self) -> &CloudWatch {
        &self.control.cloudwatch
    }

    /// What a person, a pipeline or AWS itself does in CodePipeline.
    pub fn codepipeline(&self) -> &CodePipeline {
        &self.control.codepipeline
    }

    /// EventBridge's rules, without a request.
    pub fn eventbridge(&self) -> &EventBridge {
        &self.control.eventbridge
    }

    /// Lambda's functions and their invocations.
    pub fn lambda(&self) -> &Lambda {
        &self.control.lambda
    }

    /// S3, without a request.
    pub fn s3(&self) -> &S3 {
        &self.control.s3
    }

    /// What a person, a pipeline or AWS itself does in SageMaker.
    pub fn sagemaker(&self) -> &SageMaker {
        &self.control.sagemaker
    }

    /// Queues, without a request.
    pub fn sqs(&self) -> &Sqs {
        &self.control.sqs
    }

    /// Parameter Store, without a request.
    pub fn ssm(&self) -> &Ssm {
        &self.control.ssm
    }

    /// The faults to inject.
    pub fn faults(&self) -> &Faults {
        &self.control.faults
    }

    /// The requests so far.
    pub fn calls(&self) -> &CallLog {
        &self.control.calls
    }

    /// Puts in what a seed describes.
    pub fn seed(&self, seed: &Seed) -> Result<(), SeedError> {
        seed.plant(&self.control)
    }

    /// Serves until the process ends.
    pub async fn run(mut self) {
        for server in &mut self.servers {
            let _ = server.await;
        }
    }

    /// Stops and waits until the servers have ended.
    pub async fn stop(mut self) {
        self.end();
        for server in &mut self.servers {
            // Cancelled, as it was told to be.
            let _ = server.await;
        }
    }

    fn end(&self) {
        self.stopping.send_replace(true);
        for server in &self.servers {
            server.abort();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.end();
    }
}

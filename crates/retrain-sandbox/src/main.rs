//! Runs a sandbox until interrupted.

use std::error::Error;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use retrain_sandbox::{Options, Sandbox, Seed, VirtualClock};

const USAGE: &str = "\
usage: retrain-sandbox [--port PORT] [--seed FILE] [--virtual]

  --port PORT   listen on this port of 127.0.0.1 (default 4599; 0 takes a free one)
  --seed FILE   begin with what a JSON file describes
  --virtual     a clock that moves only when told to, instead of the real time
";

#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    port: u16,
    seed: Option<String>,
    virtual_clock: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(arguments) => match run(arguments).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&explained(error.as_ref())),
        },
        Err(message) => fail(&format!("{message}\n\n{USAGE}")),
    }
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut parsed = Arguments {
        port: 4599,
        seed: None,
        virtual_clock: false,
    };
    let mut arguments = arguments;
    while let Some(flag) = arguments.next() {
        match flag.as_str() {
            "--port" => {
                let port = arguments.next().ok_or("--port needs a number")?;
                parsed.port = port
                    .parse()
                    .map_err(|_| format!("--port: {port} is not a port"))?;
            }
            "--seed" => parsed.seed = Some(arguments.next().ok_or("--seed needs a file")?),
            "--virtual" => parsed.virtual_clock = true,
            unknown => return Err(format!("unknown argument {unknown}")),
        }
    }
    Ok(parsed)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let mut options = Options {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port)),
        ..Options::default()
    };
    if !arguments.virtual_clock {
        options.clock = VirtualClock::following();
    }
    let region = options.region.clone();
    let sandbox = Sandbox::start(options).await?;
    if let Some(file) = arguments.seed {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        sandbox.seed(&Seed::from_json(&text)?)?;
    }
    let endpoint = sandbox.endpoint_url();
    writeln!(
        io::stdout(),
        "Sandbox at {endpoint}, control at {endpoint}/_sandbox/\n\n\
         export AWS_ENDPOINT_URL={endpoint}\n\
         export AWS_REGION={region}\n\
         export AWS_ACCESS_KEY_ID=sandbox\n\
         export AWS_SECRET_ACCESS_KEY=sandbox"
    )?;
    sandbox.run().await;
    Ok(())
}

fn explained(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", explained(cause)),
        None => error.to_string(),
    }
}

fn fail(message: &str) -> ExitCode {
    // Nobody is left to tell if even this fails.
    let _ = writeln!(io::stderr(), "retrain-sandbox: {message}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Arguments, String> {
        parse(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn arguments_have_defaults() {
        let expected = Arguments {
            port: 4599,
            seed: None,
            virtual_clock: false,
        };
        assert_eq!(parsed(&[]), Ok(expected));
    }

    #[test]
    fn arguments_are_read_and_mistakes_are_named() {
        let expected = Arguments {
            port: 0,
            seed: Some("seed.json".to_owned()),
            virtual_clock: true,
        };
        let given = ["--port", "0", "--virtual", "--seed", "seed.json"];
        assert_eq!(parsed(&given), Ok(expected));
        assert_eq!(
            parsed(&["--port", "x"]),
            Err("--port: x is not a port".to_owned())
        );
        assert_eq!(
            parsed(&["--prot"]),
            Err("unknown argument --prot".to_owned())
        );
        assert!(parsed(&["--seed"]).is_err());
    }
}

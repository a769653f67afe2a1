//! How members find each other and talk while they form a cluster: this program's own way, which nobody else speaks.
//!
//! The first member listens; the others find it by asking everybody on their network, or are told where it is. What they say is one
//! line of JSON each.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use nix::net::if_::if_nametoindex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Result;
use crate::world::{Interface, System};

/// What is asked of everybody.
const WHERE: &[u8] = b"microcloud stand-in: where?";
/// Between two of those questions, one of which may be lost.
const AGAIN: Duration = Duration::from_millis(300);
/// A line that is on its way comes within so long.
const LINE: Duration = Duration::from_secs(10);
/// Somebody chooses and MicroOVN forms meanwhile.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is said when somebody hangs up, as recorded.
const HUNG_UP: &str = "Failed waiting during join: websocket: close 1006 (abnormal closure): unexpected EOF";

/// The first word of a member that wants to join.
#[derive(Serialize, Deserialize)]
struct Hello {
    proof: String,
    system: System,
}

/// What the first member answers.
#[derive(Serialize, Deserialize)]
enum Welcome {
    Welcome(System),
    Refused(String),
}

/// What it says later.
#[derive(Serialize, Deserialize)]
pub(crate) enum Told {
    /// Its user has chosen this member.
    Confirmed,
    /// It is to join.
    Join(Join),
}

/// How a member is to have its MicroOVN join.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Join {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) config: std::collections::BTreeMap<String, String>,
    pub(crate) systems: Vec<System>,
}

/// The first member's side.
pub(crate) struct Session {
    pub(crate) listener: TcpListener,
    pub(crate) beacon: UdpSocket,
    own: System,
    proof: String,
}

/// A member that wants to join, at the first one.
pub(crate) struct Guest {
    pub(crate) system: System,
    line: Line,
}

/// The first member, at one that wants to join.
pub(crate) struct Host {
    pub(crate) system: System,
    line: Line,
}

/// Both ends of a connection.
struct Line {
    reader: BufReader<TcpStream>,
}

impl Session {
    /// Listens as this system, for those who know the passphrase.
    pub(crate) fn open(port: u16, own: &System, passphrase: &str) -> Result<Self> {
        let listener = TcpListener::bind((own.address, port)).map_err(|error| format!("listen: {error}"))?;
        // Of both families, whatever that of the question is.
        let beacon =
            UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)).or_else(|_| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)));
        let beacon = beacon.map_err(|error| format!("listen: {error}"))?;
        Ok(Self { listener, beacon, own: own.clone(), proof: proof(passphrase) })
    }

    /// Takes whoever connects, where it knows the passphrase.
    pub(crate) fn admit(&self) -> Result<Option<Guest>> {
        let (stream, _) = self.listener.accept().map_err(|error| error.to_string())?;
        let mut line = Line::new(stream)?;
        let Ok(hello) = line.hear::<Hello>(LINE) else { return Ok(None) };
        if hello.proof != self.proof {
            line.say(&Welcome::Refused("Failed to join: wrong passphrase".to_owned()))?;
            return Ok(None);
        }
        line.say(&Welcome::Welcome(self.own.clone()))?;
        Ok(Some(Guest { system: hello.system, line }))
    }

    /// Tells who asks where this is.
    pub(crate) fn answer(&self) {
        let mut asked = [0; 64];
        if let Ok((length, asker)) = self.beacon.recv_from(&mut asked)
            && &asked[..length] == WHERE
        {
            let _ = self.beacon.send_to(self.own.address.to_string().as_bytes(), asker);
        }
    }
}

impl Guest {
    /// Tells it something.
    pub(crate) fn tell(&mut self, told: &Told) -> Result<()> {
        self.line.say(told)
    }

    /// Waits until it has joined.
    pub(crate) fn joined(&mut self) -> Result<()> {
        self.line.hear::<std::result::Result<(), String>>(PATIENCE)?
    }
}

impl Host {
    /// Connects to the first member, within so long.
    pub(crate) fn reach(address: SocketAddr, own: &System, passphrase: &str, within: Duration) -> Result<Self> {
        let deadline = Instant::now() + within;
        let stream = loop {
            match TcpStream::connect_timeout(&address, LINE) {
                Ok(stream) => break stream,
                // It does not listen yet.
                Err(_) if Instant::now() < deadline => std::thread::sleep(AGAIN),
                Err(error) => return Err(format!("Failed to reach {address}: {error}")),
            }
        };
        let mut line = Line::new(stream)?;
        line.say(&Hello { proof: proof(passphrase), system: own.clone() })?;
        match line.hear(LINE)? {
            Welcome::Welcome(system) => Ok(Self { system, line }),
            Welcome::Refused(why) => Err(why),
        }
    }

    /// What it says next.
    pub(crate) fn hear(&mut self) -> Result<Told> {
        self.line.hear(PATIENCE)
    }

    /// Tells it what came of joining.
    pub(crate) fn report(&mut self, joined: &Result<()>) -> Result<()> {
        self.line.say(joined)
    }
}

impl Line {
    fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    fn say(&mut self, what: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(what).map_err(|error| error.to_string())?;
        let sent = writeln!(self.reader.get_mut(), "{text}");
        sent.map_err(|_| HUNG_UP.to_owned())
    }

    fn hear<T: DeserializeOwned>(&mut self, within: Duration) -> Result<T> {
        let stream = self.reader.get_ref();
        stream.set_read_timeout(Some(within)).map_err(|error| error.to_string())?;
        let mut text = String::new();
        match self.reader.read_line(&mut text) {
            Ok(length) if length > 0 => serde_json::from_str(&text).map_err(|error| error.to_string()),
            _ => Err(HUNG_UP.to_owned()),
        }
    }
}

/// Finds the first member on the network of an interface, within so long.
pub(crate) fn find(port: u16, interface: &Interface, own: IpNet, within: Duration) -> Result<SocketAddr> {
    let failed = |error: std::io::Error| format!("Failed to find an eligible system: {error}");
    let socket = UdpSocket::bind((own.addr(), 0)).map_err(failed)?;
    socket.set_broadcast(true).map_err(failed)?;
    socket.set_read_timeout(Some(AGAIN)).map_err(failed)?;
    let everybody = match own {
        IpNet::V4(own) => SocketAddr::new(own.broadcast().into(), port),
        IpNet::V6(_) => {
            let scope = if_nametoindex(interface.name.as_str()).unwrap_or_default();
            SocketAddrV6::new(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), port, 0, scope).into()
        }
    };
    let deadline = Instant::now() + within;
    let mut answer = [0; 64];
    while Instant::now() < deadline {
        socket.send_to(WHERE, everybody).map_err(failed)?;
        if let Ok((length, _)) = socket.recv_from(&mut answer)
            && let Ok(address) = String::from_utf8_lossy(&answer[..length]).parse::<IpAddr>()
        {
            return Ok(SocketAddr::new(address, port));
        }
    }
    Err("Failed to find an eligible system".to_owned())
}

/// What shows that somebody knows the passphrase.
fn proof(passphrase: &str) -> String {
    Sha256::digest(passphrase).iter().map(|byte| format!("{byte:02x}")).collect()
}

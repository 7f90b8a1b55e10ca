//! How a process shuts down while requests still arrive, and how many connections one peer may have.

use crate::ports::free_port;
use crate::program::{Program, exchange, is_ready, rounds};
use crate::servers::signal;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

const POST: &str = "POST /api/sign-in/start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                    Content-Length: 2\r\nConnection: close\r\n\r\n{}";

/// How long the proxy and its clients wait for a connection on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(5);

fn connect(port: u16) -> Option<TcpStream> {
    connect_within(port, Duration::from_millis(400))
}

fn connect_within(port: u16, patience: Duration) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), patience).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
    Some(stream)
}

/// Sends one request; returns whether a response arrived.
fn is_answered(stream: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    stream.write_all(POST.as_bytes()).is_ok()
        && stream.read_to_end(&mut answer).is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}

#[test]
fn every_established_connection_gets_a_response_during_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..rounds(4, 40) {
        let mut program = Program::start(folder.path(), None, &[("RATE_LIMITS", "off")]);
        let (port, over) = (program.port, Arc::new(AtomicBool::new(false)));
        let senders: Vec<_> = (0..12)
            .map(|number| {
                let over = Arc::clone(&over);
                spawn(move || {
                    let (mut answered, mut lost) = (0_u32, 0_u32);
                    while !over.load(Ordering::SeqCst) {
                        let Some(mut stream) = connect(port) else { continue };
                        // Some clients pause before they send, as over a slow network.
                        if number % 3 == 0 {
                            sleep(Duration::from_millis(30));
                        }
                        if is_answered(&mut stream) {
                            answered += 1;
                        } else {
                            lost += 1;
                        }
                    }
                    (answered, lost)
                })
            })
            .collect();
        sleep(Duration::from_millis(300));
        assert_eq!(program.stop(), Some(0));
        over.store(true, Ordering::SeqCst);
        let all: Vec<_> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
        let (answered, lost) = all.iter().fold((0, 0), |(a, l), (answered, gone)| (a + answered, l + gone));
        assert!(answered > 100, "round {round}: {answered} answered");
        assert_eq!(lost, 0, "round {round}: of {answered}");
    }
}

#[test]
fn the_signal_ends_readiness_and_responses_ask_open_connections_to_close() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), None, &[]);
    // A proxy polls, so the shutdown leaves it time to notice.
    for _ in 0..4 {
        assert!(is_ready(program.port));
        sleep(Duration::from_millis(400));
    }
    let mut kept = connect(program.port).unwrap();
    signal(&program.child, "TERM");
    sleep(Duration::from_millis(100));
    let answer = exchange(program.port, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"database\":\"ok\""), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    assert!(exchange(program.port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap().contains("200 OK"));
    assert!(is_answered(&mut kept), "later requests still get a response");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

/// A proxy that polls the readiness of each process and sends each connection to a ready one, without retries.
struct Balancer {
    port: u16,
    lost: Arc<AtomicU64>,
}

impl Balancer {
    fn start(upstreams: Vec<Arc<AtomicU16>>) -> Self {
        let ready: Arc<Mutex<Vec<bool>>> = Arc::new(Mutex::new(vec![false; upstreams.len()]));
        for (number, upstream) in upstreams.iter().enumerate() {
            let (ready, upstream) = (Arc::clone(&ready), Arc::clone(upstream));
            spawn(move || {
                loop {
                    let is_up = is_ready(upstream.load(Ordering::SeqCst));
                    ready.lock().unwrap()[number] = is_up;
                    sleep(Duration::from_millis(200));
                }
            });
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, lost) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU64::new(0)));
        let failures = Arc::clone(&lost);
        spawn(move || {
            for (turn, client) in listener.incoming().enumerate() {
                let (ready, upstreams, failures) = (Arc::clone(&ready), upstreams.clone(), Arc::clone(&failures));
                spawn(move || forward(client.unwrap(), next_upstream(turn, &ready, &upstreams), &failures));
            }
        });
        Self { port, lost }
    }
}

/// The next ready process. On a busy machine both may seem unready for a moment, so the proxy waits.
fn next_upstream(turn: usize, ready: &Mutex<Vec<bool>>, upstreams: &[Arc<AtomicU16>]) -> u16 {
    let began = Instant::now();
    loop {
        let up = ready.lock().unwrap().clone();
        let ports = upstreams.iter().zip(up).filter(|(_, is_up)| *is_up).map(|(port, _)| port.load(Ordering::SeqCst));
        let ports: Vec<_> = ports.collect();
        match ports.get(turn % ports.len().max(1)) {
            Some(port) => return *port,
            None => assert!(began.elapsed() < Duration::from_secs(10), "no process is ready"),
        }
        sleep(Duration::from_millis(20));
    }
}

fn forward(mut client: TcpStream, port: u16, lost: &AtomicU64) {
    let mut request = vec![0; POST.len()];
    if client.read_exact(&mut request).is_err() {
        return;
    }
    let mut answer = Vec::new();
    let passed = connect_within(port, TIMEOUT).is_some_and(|mut server| {
        server.write_all(&request).is_ok() && server.read_to_end(&mut answer).is_ok() && !answer.is_empty()
    });
    if !passed {
        lost.fetch_add(1, Ordering::SeqCst);
    }
    let _ = client.write_all(&answer);
}

#[test]
fn behind_a_proxy_without_retries_a_rolling_restart_loses_no_request() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let start = |number: usize| Program::start(folders[number].path(), None, &[("RATE_LIMITS", "off")]);
    let mut programs = [start(0), start(1)];
    let ports: Vec<_> = programs.iter().map(|program| Arc::new(AtomicU16::new(program.port))).collect();
    let balancer = Balancer::start(ports.clone());
    sleep(Duration::from_secs(1));
    let over = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let (over, port) = (Arc::clone(&over), balancer.port);
            spawn(move || {
                let (mut answered, mut lost) = (0_u32, 0_u32);
                while !over.load(Ordering::SeqCst) {
                    if connect_within(port, TIMEOUT).is_some_and(|mut stream| is_answered(&mut stream)) {
                        answered += 1;
                    } else {
                        lost += 1;
                    }
                    sleep(Duration::from_millis(5));
                }
                (answered, lost)
            })
        })
        .collect();
    for number in 0..2 {
        sleep(Duration::from_secs(1));
        assert_eq!(programs[number].stop(), Some(0));
        programs[number] = start(number);
        ports[number].store(programs[number].port, Ordering::SeqCst);
    }
    sleep(Duration::from_secs(1));
    over.store(true, Ordering::SeqCst);
    for sender in senders {
        let (answered, lost) = sender.join().unwrap();
        assert!(answered > 20 && lost == 0, "{answered} answered, {lost} lost");
    }
    assert_eq!(balancer.lost.load(Ordering::SeqCst), 0);
}

/// Opens connections from a loopback address; returns those that the server keeps open.
async fn open(from: Ipv4Addr, port: u16, count: usize) -> Vec<tokio::net::TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        streams.push(socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut kept = Vec::new();
    for mut stream in streams {
        let mut byte = [0];
        if tokio::time::timeout(Duration::from_millis(1), stream.read(&mut byte)).await.is_err() {
            kept.push(stream);
        }
    }
    kept
}

async fn is_served(from: Ipv4Addr, port: u16) -> bool {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let mut stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    stream.write_all(request).await.is_ok()
        && stream.read_to_string(&mut answer).await.is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_peer_gets_an_eighth_of_all_connections_and_others_are_served() {
    let (one, other) = (Ipv4Addr::new(127, 0, 0, 7), Ipv4Addr::new(127, 0, 0, 8));
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), None, &[]);
    let kept = open(one, program.port, 600).await;
    assert_eq!(kept.len(), 512);
    assert!(!is_served(one, program.port).await, "it has reached its limit");
    let began = Instant::now();
    assert!(is_served(other, program.port).await);
    assert!(began.elapsed() < Duration::from_secs(2));
    drop(kept);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(is_served(one, program.port).await, "its connections are free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_may_use_all_connections() {
    let proxy = Ipv4Addr::new(127, 0, 0, 7);
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let program = Program::start_at(port, folder.path(), None, &[("TRUSTED_PROXIES", "127.0.0.7")]);
    let kept = open(proxy, program.port, 600).await;
    assert_eq!(kept.len(), 600);
    assert!(is_served(proxy, program.port).await);
}

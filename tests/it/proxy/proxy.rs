//! A TCP proxy that lets through, cuts off in the middle, or holds.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// What the proxy does to connections, and to those that are open.
#[derive(Default)]
pub(crate) struct Weather {
    /// Bytes that a connection may carry, both ways together, before it is cut; 0 for any number.
    pub(crate) cut_after_bytes: AtomicU64,
    /// Nothing is passed on, and nobody is told: half-open.
    pub(crate) is_held: AtomicBool,
    pub(crate) cuts: AtomicU64,
}

/// A proxy to one server, until dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) weather: Arc<Weather>,
    is_over: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let weather = Arc::<Weather>::default();
        let is_over = Arc::<AtomicBool>::default();
        let (sky, over) = (Arc::clone(&weather), Arc::clone(&is_over));
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((client, _)) => join(client, server, &sky, &over),
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        Self {
            address,
            weather,
            is_over,
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Two threads a connection; a server that is away is a connection that breaks off.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the connection ends with its threads"
)]
fn join(client: TcpStream, server: SocketAddr, weather: &Arc<Weather>, over: &Arc<AtomicBool>) {
    let Ok(server) = TcpStream::connect(server) else {
        return;
    };
    let carried = Arc::<AtomicU64>::default();
    let pairs = [
        (client.try_clone(), server.try_clone()),
        (server.try_clone(), client.try_clone()),
    ];
    for (from, to) in pairs {
        let (from, to) = (from.unwrap(), to.unwrap());
        from.set_nonblocking(false).unwrap();
        from.set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let (weather, over, carried) =
            (Arc::clone(weather), Arc::clone(over), Arc::clone(&carried));
        std::thread::spawn(move || {
            carry(&from, &to, &weather, &over, &carried);
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
}

fn carry(
    mut from: &TcpStream,
    mut to: &TcpStream,
    weather: &Weather,
    over: &AtomicBool,
    carried: &AtomicU64,
) {
    let mut buffer = vec![0; 16 * 1024];
    while !over.load(Ordering::Relaxed) {
        let read = match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                continue;
            }
            Err(_) => return,
        };
        while weather.is_held.load(Ordering::Relaxed) && !over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let limit = weather.cut_after_bytes.load(Ordering::Relaxed);
        let before = carried.fetch_add(read as u64, Ordering::Relaxed);
        let left = if limit == 0 {
            read
        } else {
            read.min(limit.saturating_sub(before) as usize)
        };
        if to.write_all(&buffer[..left]).is_err() {
            return;
        }
        if left < read {
            weather.cuts.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
}

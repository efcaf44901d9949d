//! Takes connections off a listener, and gives each so long to say what it wants.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use crate::{
    hub::Hub,
    metrics::NotAccepted,
    patience::Patient,
    registry::Place,
    telling::{About, Tell},
};

/// How long the head of a request may be: who has not said what it wants costs no more.
const HEAD_BYTES: usize = 64 << 10;

/// How long to wait when the machine has no more to give, such as descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a request may take that is there when the server goes.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// Serves `router` until the server goes.
pub(crate) async fn serve(hub: &Arc<Hub>, listener: TcpListener, router: Router) {
    // Behind a proxy, all are of its address.
    let directly = hub.settings.client_ip_header.is_none();
    loop {
        let accepted = select! {
            accepted = listener.accept() => accepted,
            () = hub.going.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => match hub.handshakes.enter(directly.then(|| peer.ip())) {
                Ok(place) => {
                    let served = shake_hands(Arc::clone(hub), stream, peer, router.clone(), place);
                    hub.tasks.spawn(served);
                }
                Err(full) => {
                    debug!(%peer, ?full, "too many handshakes, so it is dropped");
                    hub.metrics.doors.not_accepted(NotAccepted::Crowded);
                }
            },
            Err(error) => {
                match hub.tell(About::Accepting) {
                    Tell::Line { untold } => warn!(%error, untold, "no connection can be taken"),
                    Tell::Nothing => debug!(%error, "no connection can be taken"),
                }
                hub.metrics.doors.not_accepted(NotAccepted::Error);
                sleep(PAUSE).await;
            }
        }
    }
}

/// How much the kernel takes of a connection before it has sent it. What it holds can't be passed: an
/// answer to a heartbeat would stand behind some megabytes, which a slow client may take minutes for.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 << 10;

#[cfg(target_os = "linux")]
fn hold_back(stream: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "where the kernel can be asked, it may refuse")]
const fn hold_back(_: &TcpStream) -> std::io::Result<()> {
    Ok(())
}

/// Serves a connection until it has become something else, or its client or the server goes.
async fn shake_hands(
    hub: Arc<Hub>,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    _place: Place,
) {
    // Frames are small, and are sent when they are there.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "delays can't be turned off");
    }
    if let Err(error) = hold_back(&stream) {
        debug!(%peer, %error, "the kernel's buffer can't be kept short");
    }
    let idle_ms = Duration::from_millis(hub.settings.connections.idle_ms);
    let stream = Patient::new(stream, idle_ms);
    let flow = stream.flow();
    let tower = TowerToHyperService::new(router);
    // A layer would be one around each route, made anew for each connection.
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(flow.clone());
        tower.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(hub.settings.connections.handshake_ms))
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut served = pin!(served);
    let served = select! {
        served = served.as_mut() => served,
        () = hub.going.cancelled() => {
            // A client that polls is told what waits for it by the request in which it waits.
            served.as_mut().graceful_shutdown();
            timeout(LAST_ANSWER, served).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = served {
        debug!(%peer, %error, "request failed");
    }
}

//! Frames and requests that no client would send.

use std::net::SocketAddr;

use super::{
    arena::{EVENTS_PER_WINDOW, MAX_MESSAGE_BYTES},
    raw::{
        BINARY, CLOSE, CONTINUATION, CUT, FIN, PING, RSV1, RSV2, Raw, TEXT, frame, head,
        unmasked_head, upgrade,
    },
    report::Report,
    tokens,
};

pub async fn attempts(report: &mut Report) {
    broken_frames(report).await;
    endless_frames(report).await;
    floods(report).await;
    compression(report).await;
    no_frame_of_the_protocol(report).await;
}

async fn open(at: SocketAddr) -> Raw {
    Raw::socket(at, &format!("vsn=2.0.0&token={}", tokens::of("mallory"))).await
}

const HEARTBEAT: &[u8] = br#"[null,"1","phoenix","heartbeat",{}]"#;

async fn broken_frames(report: &mut Report) {
    let at = report.arena.at;
    let unmasked = || {
        let mut all = unmasked_head(FIN | TEXT, HEARTBEAT.len() as u64);
        all.extend(HEARTBEAT);
        all
    };
    let no_frame = "1002 no websocket frame";
    let too_large = format!("1009 message too large, expected at most {MAX_MESSAGE_BYTES} bytes");
    let mut fragmented_ping = frame(PING, b"a");
    fragmented_ping.extend(frame(FIN | CONTINUATION, b"b"));
    let mut text_within = frame(TEXT, b"[null,");
    text_within.extend(frame(FIN | TEXT, HEARTBEAT));
    for (what, bytes, expected) in [
        ("a frame without a mask", unmasked(), no_frame),
        ("RSV1, as of something compressed", frame(FIN | RSV1 | TEXT, HEARTBEAT), no_frame),
        ("RSV2", frame(FIN | RSV2 | TEXT, HEARTBEAT), no_frame),
        ("an opcode that is reserved", frame(FIN | 3, HEARTBEAT), no_frame),
        ("a control opcode that is reserved", frame(FIN | 0xb, b""), no_frame),
        ("a continuation of nothing", frame(FIN | CONTINUATION, HEARTBEAT), no_frame),
        ("a text within a text", text_within, no_frame),
        ("a ping in two parts", fragmented_ping, no_frame),
        ("a ping of 126 bytes", frame(FIN | PING, &[0; 126]), no_frame),
        ("a close of one byte", frame(FIN | CLOSE, b"x"), no_frame),
        ("text that is no UTF-8", frame(FIN | TEXT, b"[\"\xff\xfe\"]"), "1007 text is no UTF-8"),
        ("2^63 bytes", head(FIN | TEXT, 1 << 63), &*too_large),
        ("2^64 - 1 bytes", head(FIN | BINARY, u64::MAX), &*too_large),
        ("4 GB", head(FIN | TEXT, 4 << 30), &*too_large),
        ("one byte too many", head(FIN | TEXT, MAX_MESSAGE_BYTES as u64 + 1), &*too_large),
        ("HTTP in place of frames", upgrade("", "").into_bytes(), no_frame),
        ("a hello of TLS in place of frames", b"\x16\x03\x01\x02\x00\x01".to_vec(), no_frame),
    ] {
        let attack = async {
            let mut raw = open(at).await;
            raw.write(bytes).await;
            raw.closed().await
        };
        report.tried(what, expected, attack).await;
    }
    let attack = async {
        let mut raw = open(at).await;
        // It says that nothing comes after, and then speaks on.
        raw.write(frame(FIN | CLOSE, &1000_u16.to_be_bytes())).await;
        raw.write(frame(FIN | TEXT, HEARTBEAT)).await;
        match answered(&mut raw).await {
            end if end == CUT => "closed".to_owned(),
            end => end,
        }
    };
    report.tried("speaking on after a close", "closed", attack).await;
}

async fn endless_frames(report: &mut Report) {
    let at = report.arena.at;
    let too_large = format!("1009 message too large, expected at most {MAX_MESSAGE_BYTES} bytes");
    let endless = async {
        let mut raw = open(at).await;
        raw.write(frame(TEXT, b"[")).await;
        let more = frame(CONTINUATION, &[b' '; 1_000]);
        for _ in 0..2 * MAX_MESSAGE_BYTES / 1_000 {
            raw.write(&more).await;
        }
        raw.closed().await
    };
    report.tried("fragments without an end", &*too_large, endless).await;
    let empty = async {
        let mut raw = open(at).await;
        raw.write(frame(TEXT, HEARTBEAT)).await;
        let nothing = frame(CONTINUATION, b"").repeat(100_000);
        raw.write(&nothing).await;
        raw.write(frame(FIN | CONTINUATION, b"")).await;
        answered(&mut raw).await
    };
    report.tried("100000 empty fragments in one message", "answered", empty).await;
    let between = async {
        let mut raw = open(at).await;
        raw.write(frame(TEXT, b"[null,\"1\",")).await;
        raw.write(frame(FIN | PING, b"x").repeat(1_000)).await;
        raw.write(frame(FIN | CONTINUATION, br#""phoenix","heartbeat",{}]"#)).await;
        answered(&mut raw).await
    };
    report.tried("pings between the parts of a message", "answered", between).await;
    let half = async {
        let mut raw = open(at).await;
        raw.write(head(FIN | TEXT, 16_000)).await;
        raw.write("[".repeat(8_000)).await;
        drop(raw);
        "gone".to_owned()
    };
    report.tried("half a frame, and away", "gone", half).await;
    let stream = async {
        let mut raw = open(at).await;
        raw.write(head(FIN | TEXT, 1 << 30)).await;
        let some = vec![b'x'; 64 << 10];
        let mut sent = 0;
        while sent < 16 << 20 && raw.write(&some).await {
            sent += some.len();
        }
        raw.closed().await
    };
    report.tried("a frame of 1 GB that is really sent", "…", stream).await;
}

/// Whether a heartbeat that was sent is answered, whatever else comes before.
async fn answered(raw: &mut Raw) -> String {
    loop {
        match raw.frame().await {
            Ok((first, payload)) if first == FIN | TEXT => {
                let is_reply = payload.windows(9).any(|part| part == b"phx_reply");
                return if is_reply { "answered".into() } else { "something else".into() };
            }
            Ok((first, _)) if first == FIN | CLOSE => return "closed".into(),
            Ok(_) => {}
            Err(end) => return end,
        }
    }
}

async fn floods(report: &mut Report) {
    let at = report.arena.at;
    for (what, payload) in [("small", &[0; 1][..]), ("large", &[0; 125][..])] {
        let attack = async {
            let mut raw = open(at).await;
            // What is answered to the pings is not read.
            raw.write(frame(FIN | PING, payload).repeat(1_900)).await;
            raw.write(frame(FIN | TEXT, HEARTBEAT)).await;
            answered(&mut raw).await
        };
        report.tried(format!("1900 {what} pings at once"), "answered", attack).await;
        let attack = async {
            let mut raw = open(at).await;
            raw.write(frame(FIN | PING, payload).repeat(20_000)).await;
            answered(&mut raw).await
        };
        report.tried(format!("20000 {what} pings at once"), "closed", attack).await;
    }
    let too_many = "1008 too many messages, expected at most 2000 in 10000 ms";
    for (what, one) in [
        ("heartbeats", frame(FIN | TEXT, HEARTBEAT)),
        ("joins", frame(FIN | TEXT, br#"["1","1","open:1","phx_join",{}]"#)),
        ("refused joins", frame(FIN | TEXT, br#"["1","1","room:honest","phx_join",{}]"#)),
        ("leaves", frame(FIN | TEXT, br#"["1","1","open:1","phx_leave",{}]"#)),
        ("frames of no join that is alive", {
            frame(FIN | TEXT, br#"["9","1","open:1","say",{}]"#)
        }),
    ] {
        let attack = async {
            let mut raw = open(at).await;
            raw.write(one.repeat(EVENTS_PER_WINDOW + 1)).await;
            raw.closed().await
        };
        report.tried(format!("a flood of {what}"), too_many, attack).await;
    }
}

async fn compression(report: &mut Report) {
    let at = report.arena.at;
    let attack = async {
        let mut raw = Raw::connect(at).await;
        let query = format!("vsn=2.0.0&token={}", tokens::of("mallory"));
        let offer = "sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n";
        raw.write(upgrade(&query, offer)).await;
        let (head, _) = match raw.whole_answer().await {
            Ok(answer) => answer,
            Err(end) => return end,
        };
        if head.contains("sec-websocket-extensions") {
            return "it is taken".into();
        }
        // 64 kB of zeros, deflated.
        let bomb = [&[0xed, 0xc1, 0x01, 0x0d][..], &[0; 60]].concat();
        raw.write(frame(FIN | RSV1 | TEXT, &bomb)).await;
        format!("not taken, then {}", raw.closed().await)
    };
    let expected = "not taken, then 1002 no websocket frame";
    report.tried("an offer of permessage-deflate, and a bomb", expected, attack).await;
}

async fn no_frame_of_the_protocol(report: &mut Report) {
    let at = report.arena.at;
    for (what, text, expected) in [
        ("no JSON", "hello", "1007 …"),
        ("nothing", "", "1007 …"),
        ("an object", "{}", "1008 …"),
        ("four elements", r#"["1","1","open:1","say"]"#, "1008 …"),
        ("a topic that is a number", r#"["1","1",7,"say",{}]"#, "1008 …"),
        ("an event that is null", r#"["1","1","open:1",null,{}]"#, "1008 …"),
        ("a ref that is an object", r#"["1",{},"open:1","say",{}]"#, "1008 …"),
        ("a join_ref that is a list", r#"[[],"1","open:1","say",{}]"#, "1008 …"),
        ("JSON and then something", r#"["1","1","open:1","say",{}]]"#, "1007 …"),
        ("NaN", r#"["1","1","open:1","say",NaN]"#, "1007 …"),
        ("a zero byte", "[\"1\",\"1\",\"open:1\",\"say\",\"\u{0}\"]", "1007 …"),
    ] {
        let attack = async {
            let mut raw = open(at).await;
            raw.write(frame(FIN | TEXT, text.as_bytes())).await;
            raw.closed().await
        };
        report.tried(format!("a text that is {what}"), expected, attack).await;
    }
    for (what, bytes, expected) in [
        ("nothing", &b""[..], "1008 …"),
        ("two bytes", b"\0\0", "1008 …"),
        ("another kind", b"\x07\0\0\0\0", "1008 …"),
        ("a reply", b"\x01\0\0\0\0", "1008 …"),
        ("sizes past the end", b"\0\xff\xff\xff\xffx", "1008 …"),
        ("a topic that is no UTF-8", b"\0\0\0\x01\0\xff", "1007 …"),
    ] {
        let attack = async {
            let mut raw = open(at).await;
            raw.write(frame(FIN | BINARY, bytes)).await;
            raw.closed().await
        };
        report.tried(format!("bytes that are {what}"), expected, attack).await;
    }
    let attack = async {
        let mut raw = open(at).await;
        raw.write(frame(FIN | CLOSE, b"")).await;
        match raw.closed().await {
            end if end == CUT || end.starts_with("0 ") || end.starts_with("1005") => {
                "closed".into()
            }
            end => end,
        }
    };
    report.tried("a close without a code", "closed", attack).await;
}

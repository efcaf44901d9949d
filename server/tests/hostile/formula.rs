//! The most that a server may hold, as `docs/operations.md` has it: each function is a line of the
//! table there.

/// The limits that the formula reads.
#[derive(Clone, Copy)]
pub struct Limits {
    pub queue_bytes: usize,
    pub queue_items: usize,
    pub max_message_bytes: usize,
    pub payload_bytes: usize,
    pub page_bytes: usize,
}

/// What a connection has whether anything waits for it or not: its tasks, its codec, what it reads
/// into.
const CONNECTION: usize = 64 << 10;

/// The pieces in which a large presence state goes out.
const PIECE: usize = 256 << 10;

/// What a transport of Socket.IO writes by, and the packets that it was given.
const TRANSPORT: usize = 256 << 10;

/// The longest head of a request, and what parsing it takes.
const HEAD: usize = 2 * (64 << 10);

/// A room in a list, with names and descriptions as attackers give them.
const ROOM: usize = 3_000;

/// A list of rooms, as it is kept encoded.
const LIST: usize = 1 << 20;

/// What the process takes beside: heaps of its threads, pages that are free and not given back.
const PROCESS: usize = 8 << 20;

impl Limits {
    /// Small enough that an attack gets past them in a second or two.
    pub const fn small() -> Self {
        Self {
            queue_bytes: 128 << 10,
            queue_items: 1_024,
            max_message_bytes: 80 << 10,
            payload_bytes: 64 << 10,
            page_bytes: 128 << 10,
        }
    }

    /// The largest frame: a message with its payload, a page, or a piece of a presence state.
    fn frame(&self) -> usize {
        self.page_bytes.max(self.max_message_bytes).max(PIECE)
    }

    /// A list of so many rooms, the next one, and what the engine tells for it.
    pub fn of_list(rooms: usize) -> usize {
        LIST + 3 * rooms * ROOM
    }

    /// So many rooms, opened by a back end.
    pub fn of_rooms(rooms: usize) -> usize {
        PROCESS + rooms * (8_400 + ROOM)
    }

    /// Of a Phoenix connection: what it has anyway, live messages, replies and other answers, a page
    /// beyond those, requests that are parked, and what is being written, in a buffer that doubles.
    fn phoenix(&self) -> usize {
        CONNECTION
            + 3 * self.queue_bytes
            + self.page_bytes
            + 3 * self.max_message_bytes
            + (64 << 10)
            + 2 * self.frame()
    }

    /// Of a connection of Socket.IO.
    fn dialogue(&self) -> usize {
        let unread = self.queue_bytes.max(2 * self.max_message_bytes);
        self.phoenix() + TRANSPORT + unread + 2 * LIST
    }

    pub fn of_phoenix(&self, connections: usize) -> usize {
        PROCESS + connections * self.phoenix()
    }

    pub fn of_dialogue(&self, connections: usize) -> usize {
        PROCESS + connections * self.dialogue()
    }

    /// Requests over HTTP: a head, a body, and an answer that is not read.
    pub fn of_requests(&self, connections: usize, answer: usize) -> usize {
        PROCESS + connections * (CONNECTION + HEAD + self.max_message_bytes + 2 * answer)
    }
}

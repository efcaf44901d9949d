//! The JSON form, to the byte: recorded traces replay for ever, so none of this may change.

mod bad_events;
mod events;
mod further_events;
mod further_outbounds;
mod outbounds;
mod refusals;

use std::fmt::Debug;

use parlor::Event;

/// The tag under which something stands in JSON.
fn tag(of: &(impl serde::Serialize + Debug)) -> String {
    let value = serde_json::to_value(of).unwrap();
    let tag = value.as_str().or_else(|| value.as_object()?.keys().next().map(String::as_str));
    tag.unwrap_or_else(|| panic!("{of:?} is {value}, expected a string or an object")).to_owned()
}

/// Reads `line` in every way that `serde_json` knows.
pub fn read(line: &str) -> Event {
    let read: Event = serde_json::from_str(line).unwrap_or_else(|wrong| panic!("{line}: {wrong}"));
    assert_eq!(serde_json::from_slice::<Event>(line.as_bytes()).unwrap(), read, "{line}");
    assert_eq!(serde_json::from_reader::<_, Event>(line.as_bytes()).unwrap(), read, "{line}");
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(serde_json::from_value::<Event>(value).unwrap().kind(), read.kind(), "{line}");
    read
}

pub fn written(event: &Event) -> String {
    serde_json::to_string(event).unwrap()
}

/// Every combination of `optional` beside `required`, in this order, is read and written back
/// as it was; in the opposite order, and with `null` for what is not there, it is the same.
pub fn check(tag: &str, required: &str, optional: &[&str]) {
    for chosen in 0..1_u32 << optional.len() {
        let is_chosen = |place: usize| chosen >> place & 1 == 1;
        let fields = |filler: &dyn Fn(&str) -> Option<String>| {
            let optional = optional.iter().enumerate().filter_map(|(place, field)| {
                if is_chosen(place) { Some((*field).to_owned()) } else { filler(field) }
            });
            std::iter::once(required.to_owned()).chain(optional).collect::<Vec<_>>()
        };
        let line = |fields: Vec<String>| format!("{{\"{tag}\":{{{}}}}}", fields.join(","));

        let canonical = line(fields(&|_| None));
        let event = read(&canonical);
        assert_eq!(event.label(), tag);
        assert_eq!(written(&event), canonical);

        let reversed = line(fields(&|_| None).into_iter().rev().collect());
        assert_eq!(read(&reversed), event, "{reversed}");

        let name = |field: &str| field.split_once(':').unwrap().0.to_owned();
        let with_nulls = line(fields(&|field| Some(format!("{}:null", name(field)))));
        assert_eq!(read(&with_nulls), event, "{with_nulls}");
    }
}

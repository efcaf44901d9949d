//! Short stories of events and what comes of them, one a file in `scenarios/`.
//!
//! `r3_recipients_in_join_order.txt` is a script in the language of [`script`](crate::script), and
//! `r3_recipients_in_join_order.snap` what it shows. A new script is listed below; its snapshot is
//! read line by line, against the crate's documentation, before it is accepted.

use std::{fs, path::Path};

use crate::script;

macro_rules! scenarios {
    ($($name:ident)+) => {
        /// The names of all scenarios.
        pub(crate) const LISTED: &[&str] = &[$(stringify!($name)),+];

        $(
            #[test]
            fn $name() {
                check(stringify!($name), include_str!(concat!("scenarios/", stringify!($name), ".txt")));
            }
        )+
    };
}

scenarios! {
    a10_what_excluded_a_client_is_no_gap
    a12_an_exclusion_also_holds_for_pages
    a2_rooms_of_clients_are_limited
    a9_presence_survives_a_reconnect
    broadcast_audiences
    broadcast_defaults
    broadcast_meta_travels_and_id_does_not
    broadcast_to_nobody_is_a_success
    clock_never_goes_back
    cluster_ready_refs
    crash_and_come_back
    crash_closes_every_topic
    crash_drops_open_windows
    crash_holds_presence_until_its_client_is_back
    crash_in_an_empty_channel
    crash_spares_a_room_that_waits
    crash_twice_and_restart_twice
    defect_a_clients_room_takes_events
    defect_a_group_reaches_each_once
    defect_a_refused_add_makes_no_group
    defect_a_room_goes_and_comes_between_two_messages
    defect_a_room_without_owner_is_the_servers
    defect_a_stranger_ends_no_room
    defect_a_token_is_nobodys_name
    defect_empty_rooms_go_with_a_lost_connection
    defect_joining_twice_leaves_nothing_behind
    defect_lists_are_in_the_order_of_coming
    defect_members_change_while_a_message_waits
    defect_messages_of_one_millisecond_keep_their_order
    defect_messages_reach_who_subscribed
    defect_no_zombie_in_a_room_made_anew
    defect_pages_asked_at_once_are_told_apart
    defect_presence_ends_with_the_connection
    defect_questions_about_users_are_answered
    defect_rejected_joiner_gets_no_history
    defect_tenants_share_nothing
    defect_who_comes_back_is_in_its_rooms
    dialogue_capacity
    dialogue_chat
    dialogue_configured_rooms
    dialogue_dashboard
    dialogue_default_subscriptions
    dialogue_document
    dialogue_errors
    dialogue_evicted
    dialogue_game
    dialogue_history_caps
    dialogue_history_is_for_members
    dialogue_history_on_join
    dialogue_hooks
    dialogue_iot
    dialogue_kick
    dialogue_notifications
    dialogue_pages
    dialogue_persistence
    dialogue_publish
    dialogue_rate_limit
    dialogue_refs_tell_answers_apart
    dialogue_rooms_opened_and_closed
    dialogue_server_only_room
    dialogue_subscriptions_filter
    dialogue_wildcard_room
    disconnect_can_skip_the_grace
    join_again_is_ok_and_nothing_else
    join_carries_meta_and_drops_params
    join_refused_leaves_no_trace
    join_takes_the_grace_off_a_presence
    leave_ends_room_and_client
    leave_twice_is_refused
    lightspeed_channel
    lightspeed_crash_keeps_places
    one_client_in_many_rooms
    pages_by_position
    payload_is_carried_as_written
    payload_line_breaks
    payload_null_is_a_value
    payload_of_bytes
    presence_change_keeps_its_place
    presence_counts_in_each_topic
    presence_entry_keeps_its_place
    presence_of_a_user_with_several_clients
    presence_off
    prism_anyone_may_broadcast
    prism_chat
    prism_disconnect_leaves_every_room
    prism_presence_without_joining
    prism_room_goes_on_every_path
    prism_room_is_made_once
    prologue_chat
    prologue_connect_again
    prologue_groups
    prologue_room_and_client_data
    prologue_send_to_all_but_one
    prologue_send_to_one
    push_to_one_member
    questions_about_nothing
    questions_about_users
    r1_refusal_is_a_reply_and_nothing_else
    r1_rejoin_is_answered_before_what_it_missed
    r1_reply_first
    r2_no_diff_repeats_the_snapshot
    r2_rejoin_brings_snapshot_then_what_was_missed
    r2_snapshot_before_diff
    r2_window_shows_what_was_announced
    r3_recipients_fixed_when_handled
    r3_recipients_in_join_order
    r3_recipients_through_loss_and_return
    r4_expiry_is_announced_by_a_tick
    r4_presence_where_it_happens
    r4_window_ends_in_one_diff
    r4_window_ends_while_crashed
    r4_window_takes_back_a_change
    r4_window_without_length_ends_at_the_next_tick
    r5_flush_after_each_or_once
    r5_windows_and_returns_flushed_once
    r6_flushing_twice
    r6_flushing_twice_after_a_tick
    r7_offsets_in_order
    r7_replay_goes_before_what_follows
    r8_replay_after_everybody_moved
    r8_replay_of_diffs
    r8_replay_with_windows
    r9_expiry_and_window_in_one_tick
    r9_one_diff_a_topic
    refs_come_back
    refused_crashed
    refused_event_not_allowed
    refused_event_not_allowed_as_configured
    refused_in_the_order_of_checks
    refused_invalid_name_empty
    refused_invalid_name_too_long
    refused_invalid_name_wildcard
    refused_limit_clients
    refused_limit_members_per_topic
    refused_limit_ref_bytes
    refused_limit_topics
    refused_limit_topics_per_client
    refused_not_member
    refused_payload_too_large_in_bytes
    refused_payload_too_large_in_depth
    refused_payload_too_large_of_a_presence
    refused_unknown_client
    refused_unknown_topic
    refused_user_conflict
    rejoin_changes_meta
    rejoin_gives_meta_to_one_without
    rejoin_of_a_member
    rejoin_of_a_stranger
    rejoin_since_is_not_recovered
    room_made_anew_has_a_higher_epoch
    single_node_label
    solidb_chat
    solidb_nobody_is_present
    solidb_notifications
    solidb_typing_indicator
    stats_count_what_happened
}

fn check(name: &str, script: &str) {
    let transcript = script::play(script).unwrap_or_else(|wrong| panic!("{name}.txt: {wrong}"));
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("scenarios");
    settings.bind(|| insta::assert_snapshot!(name, transcript));
}

#[test]
fn every_script_is_listed_and_has_one_snapshot() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scenarios");
    let mut found = [vec![], vec![]];
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("txt") => found[0].push(name),
            Some("snap") => found[1].push(name),
            _ => {}
        }
    }
    for mut found in found {
        found.sort_unstable();
        assert_eq!(found, LISTED, "the folder and the list agree, in alphabetical order");
    }
}

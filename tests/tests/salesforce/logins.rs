//! One token for all calls of a run: got once, and renewed once.

use metering::time::Instant;
use salesforce::Client;
use salesforce::client::Call;
use salesforce::correlate::settings;
use salesforce_peer::Answer;

use crate::world::{DEPLOYMENTS, World, finish};

fn logins(world: &World) -> usize {
    world.peer.log().iter().filter(|line| line.ends_with("/oauth2/token")).count()
}

#[test]
fn of_many_calls_at_once_one_logs_in_and_one_renews() {
    let world = World::new(DEPLOYMENTS);
    let edges = world.edges();
    let client = Client::new(&edges["crm"], settings(&world.catalogue.salesforce["crm"]), Instant(i64::MAX));
    let describe = |object: &str| Call::get(client.path(&format!("/sobjects/{object}/describe")));
    let (account, asset, order) = (describe("Account"), describe("Asset"), describe("Order"));
    let three = || async {
        let (a, b, c) = tokio::join!(client.call("a", &account), client.call("b", &asset), client.call("c", &order));
        assert!([a, b, c].into_iter().all(|answer| answer.is_ok_and(|answer| answer.status == 200)));
    };
    finish(three());
    assert_eq!(logins(&world), 1);
    // All three are refused, one of them so slowly that another has the new token by then.
    world.peer.expire_tokens();
    let slow = format!(r#"[{{"errorCode":"INVALID_SESSION_ID","message":"{}"}}]"#, "expired ".repeat(1000));
    world.peer.go_wrong("/Asset/", 0, 1, Answer::text(401, "application/json", &slow));
    finish(three());
    assert_eq!(logins(&world), 2);
}

#[test]
fn a_call_that_is_refused_again_with_a_new_token_is_not_repeated_for_ever() {
    let world = World::new(DEPLOYMENTS);
    let edges = world.edges();
    let client = Client::new(&edges["crm"], settings(&world.catalogue.salesforce["crm"]), Instant(i64::MAX));
    let call = Call::get(client.path("/sobjects/Account/describe"));
    for (message, expected) in [
        ("Session expired or invalid", 2),
        ("This session is not valid for use with the REST API", 1),
        ("Connected app is not attached to Agent", 1),
    ] {
        let before = (logins(&world), client.calls());
        let refused = Answer::error(401, "INVALID_SESSION_ID", message);
        world.peer.go_wrong("/Account/", 0, expected, refused);
        let fault = finish(client.call("the description", &call)).err().unwrap().to_string();
        assert!(fault.contains(message), "{fault}");
        let calls = usize::try_from(client.calls() - before.1).unwrap();
        assert_eq!(calls, expected, "{message}");
        // A token at first, and a new one only where that may help.
        let allowed = if before.0 == 0 { 2 } else { expected - 1 };
        assert_eq!(logins(&world) - before.0, allowed, "{message}");
    }
}

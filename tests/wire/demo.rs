//! The demonstration portal through the gateway: what `unpad demo` prints works.

use tokio::net::TcpListener;

use unpad::demo;

use crate::support::{Client, World};

/// The demonstration portal, and a gateway in front of it as `/p/demo`.
async fn started() -> (World, Client) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(demo::serve(listener, std::future::pending()));
    let world = World::with(&format!(
        "portals: {{ demo: {{ base: \"http://{address}{}\", allow_cidr: [127.0.0.1/32] }} }}",
        demo::BASE_PATH
    ))
    .await;
    (world, Client::new(address))
}

#[tokio::test]
async fn every_example_is_the_portals_own_answer_without_padding() {
    let (world, portal) = started().await;
    for example in demo::EXAMPLES {
        let bridged = world.get(&format!("/p/demo/{}", example.target)).await;
        let plain = portal.get(&format!("{}/{}", demo::BASE_PATH, example.target)).await;
        assert_eq!(bridged.status, 200, "{}", example.target);
        assert_eq!(bridged.content, plain.content, "{}", example.target);
        assert_eq!(bridged.field("access-control-allow-origin"), Some("*"));
        assert_eq!(plain.field("access-control-allow-origin"), None);
        if example.target.starts_with("api/") {
            assert_eq!(bridged.field("content-type"), Some("application/json"));
        }
    }
}

#[tokio::test]
async fn ckans_errors_pass_as_ckan_makes_them() {
    let (world, _) = started().await;
    for (target, status, kind) in [
        ("package_show?id=none", 404, "Not Found Error"),
        ("package_show", 409, "Validation Error"),
        ("datastore_search?resource_id=none", 404, "Not Found Error"),
    ] {
        let answer = world.get(&format!("/p/demo/api/3/action/{target}")).await;
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.json()["error"]["__type"], kind, "{target}");
    }
    let page = world.get("/p/demo/no/such/page").await;
    assert_eq!((page.status, &*page.problem()), (502, "portal-failed"));
    assert_eq!(page.json()["portal_status"], 404);
}

#[tokio::test]
async fn a_cache_busting_parameter_does_not_reach_the_datastore_which_refuses_it() {
    let (world, _) = started().await;
    let search = demo::EXAMPLES
        .iter()
        .find(|example| example.target.contains("datastore_search?"))
        .expect("a search");
    let answer = world.get(&format!("/p/demo/{}&_=1700000000001", search.target)).await;
    assert_eq!(answer.status, 200);
}

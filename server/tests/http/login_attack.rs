//! Guessing passwords over many addresses and accounts (OWASP ASVS 2.2.1): how many guesses are
//! looked at, what they tell, and that the owner gets in all the while.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use futures::StreamExt as _;
use reqwest::Client;
use serde_json::json;

use crate::support::{ADMIN, Console, PASSWORD};

/// Guesses that are sent.
const GUESSES: u32 = 10_000;
/// Accounts that are tried; the admin's is one of them, the others do not exist.
const ACCOUNTS: u32 = 10;
/// Addresses that they come from.
const ADDRESSES: u32 = 200;
/// Guesses under way at once.
const AT_ONCE: usize = 24;

fn from(address: u32) -> Client {
    let [_, _, c, d] = address.to_be_bytes();
    let address = IpAddr::V4(Ipv4Addr::new(127, 7, c, d));
    Client::builder().local_address(address).cookie_store(true).build().unwrap()
}

async fn sign_in(console: &Console, client: &Client, email: &str, password: &str) -> u16 {
    let url = format!("{}/api/auth/login", console.base);
    let body = json!({ "email": email, "password": password });
    client.post(url).json(&body).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_guesses_are_hardly_looked_at_and_the_owner_still_gets_in() {
    let console = Console::start().await;
    let owner = from(7);
    assert_eq!(sign_in(&console, &owner, ADMIN, PASSWORD).await, 204);
    let clients: Vec<_> = (0..ADDRESSES).map(|n| from(1000 + n)).collect();
    let account = |n: u32| match n % ACCOUNTS {
        0 => ADMIN.to_owned(),
        n => format!("user{n}@example.com"),
    };
    let guess = |n: u32| {
        let (console, client) = (&console, &clients[(n / ACCOUNTS % ADDRESSES) as usize]);
        async move {
            let email = account(n);
            let status = sign_in(console, client, &email, &format!("guess {n}")).await;
            (email, status)
        }
    };
    let half = GUESSES / 2;
    let attack = async |guesses: std::ops::Range<u32>| {
        let answers = futures::stream::iter(guesses.map(guess)).buffer_unordered(AT_ONCE);
        answers.collect::<Vec<_>>().await
    };
    let mut answers = attack(0..half).await;
    assert_eq!(sign_in(&console, &owner, ADMIN, PASSWORD).await, 204, "in the midst of it");
    answers.extend(attack(half..GUESSES).await);

    assert_eq!(answers.len(), GUESSES as usize);
    assert!(answers.iter().all(|(_, status)| [401, 429].contains(status)));
    for n in 0..ACCOUNTS {
        let looked_at = |(email, status): &&(String, u16)| *email == account(n) && *status == 401;
        let looked_at = answers.iter().filter(looked_at).count();
        assert!((1..=100).contains(&looked_at), "{} passwords of {}", looked_at, account(n));
    }
    let stranger = from(9999);
    assert_eq!(sign_in(&console, &stranger, ADMIN, PASSWORD).await, 429, "not even looked at");
    assert_eq!(sign_in(&console, &owner, ADMIN, PASSWORD).await, 204, "afterwards");
}

#[tokio::test]
async fn a_known_and_an_unknown_user_take_the_same_time() {
    let console = Console::start().await;
    let client = from(7);
    let time = async |email: &str, n: u32| {
        let began = Instant::now();
        assert_eq!(sign_in(&console, &client, email, &format!("guess {n}")).await, 401);
        began.elapsed().as_secs_f64()
    };
    // In pairs, in turns: what the machine does besides meets both alike. As few as an account may.
    let mut apart = Vec::new();
    for n in 0..70 {
        let (known, unknown) = match n % 2 {
            0 => (time(ADMIN, n).await, time("nobody@example.com", n).await),
            _ => {
                let unknown = time("nobody@example.com", n).await;
                (time(ADMIN, n).await, unknown)
            }
        };
        apart.push((known - unknown) / known.max(unknown));
    }
    apart.sort_by(f64::total_cmp);
    let middle = apart[apart.len() / 2];
    assert!(middle.abs() <= 0.05, "{:.1} % apart", middle * 100.0);
}

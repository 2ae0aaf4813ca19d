//! Signing in: guesses are bounded per account, per device and per address, and never keep the
//! owner out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::net::IpAddr;
use std::time::Duration;

use common::World;
use signalbox_engine::auth::sign_in::{Attempt, SignInError, SignedIn, sign_in};
use signalbox_engine::auth::users;
use signalbox_engine::vault::Vault;
use signalbox_model::actor::Role;

const OWNER: &str = "ada@example.com";
const RIGHT: &str = "the right password";

async fn world() -> World {
    let world = World::new().await;
    let (db, clock) = (&world.ctx.db, &world.ctx.clock);
    users::create(db, clock, OWNER, RIGHT, Role::Admin, false).await.unwrap();
    world
}

fn address(n: u32) -> Option<IpAddr> {
    Some(IpAddr::from(n.to_be_bytes()))
}

async fn try_in(world: &World, attempt: Attempt<'_>) -> Result<SignedIn, SignInError> {
    sign_in(&world.ctx.db, &world.ctx.clock, &Vault::default(), attempt).await
}

fn guess(email: &str, from: u32) -> Attempt<'_> {
    Attempt { email, password: "a guess", code: None, device: None, address: address(from) }
}

/// How many of `attempts` were looked at: answered with "wrong", and not turned away.
async fn looked_at<'a>(world: &World, attempts: impl Iterator<Item = Attempt<'a>>) -> usize {
    let mut looked_at = 0;
    for attempt in attempts {
        match try_in(world, attempt).await.unwrap_err() {
            SignInError::Wrong => looked_at += 1,
            SignInError::Throttled { retry_after_s } => {
                assert!((1..=3600).contains(&retry_after_s))
            }
            other => panic!("{other:?}"),
        }
    }
    looked_at
}

#[tokio::test]
async fn guesses_from_everywhere_are_bounded_and_the_owners_device_and_address_still_get_in() {
    let world = world().await;
    let right =
        Attempt { email: OWNER, password: RIGHT, code: None, device: None, address: address(7) };
    let SignedIn { device, .. } = try_in(&world, right).await.unwrap();

    let guesses = (1000..1200).map(|from| guess(OWNER, from));
    let looked_at_guesses = looked_at(&world, guesses).await;
    assert_eq!(looked_at_guesses, 80);
    let stranger = Attempt { address: address(9), ..right };
    let turned_away = try_in(&world, stranger).await.unwrap_err();
    assert!(matches!(turned_away, SignInError::Throttled { .. }), "{turned_away:?}");

    let elsewhere = Attempt { device: Some(&device), address: address(8), ..right };
    assert_eq!(try_in(&world, elsewhere).await.unwrap().device, device, "by the device");
    assert!(
        try_in(&world, right).await.is_err(),
        "the device has moved on, and its address with it"
    );
    let at_home = Attempt { address: address(8), ..right };
    assert_ne!(try_in(&world, at_home).await.unwrap().device, device, "by the address");

    // What somebody on the owner's device or network may try is bounded by itself.
    let thief = Attempt { password: "a guess", ..elsewhere };
    assert_eq!(looked_at(&world, std::iter::repeat_n(thief, 30)).await, 10);
    world.clock.advance(Duration::from_secs(3601));
    assert!(try_in(&world, stranger).await.is_ok(), "an hour later");
}

#[tokio::test]
async fn an_unknown_account_is_treated_as_a_known_one() {
    let world = world().await;
    let of = async |email: &'static str| {
        looked_at(&world, (5000..5100).map(|from| guess(email, from))).await
    };
    assert_eq!(of("nobody@example.com").await, of(OWNER).await);
}

#[tokio::test]
async fn one_address_tries_many_accounts_in_vain() {
    let world = world().await;
    let emails: Vec<String> = (0..320).map(|n| format!("user{n}@example.com")).collect();
    assert_eq!(looked_at(&world, emails.iter().map(|email| guess(email, 3))).await, 300);
}

#[tokio::test]
async fn guesses_at_the_same_time_do_not_get_past_the_bound() {
    let world = world().await;
    let guesses: Vec<_> = (0..120).map(|from| try_in(&world, guess(OWNER, from))).collect();
    let answers = futures::future::join_all(guesses).await;
    let wrong = answers.iter().filter(|answer| matches!(answer, Err(SignInError::Wrong))).count();
    assert_eq!(wrong, 80);
}

#[tokio::test]
async fn a_right_password_uses_no_try_up_and_a_made_up_device_is_not_taken_over() {
    let world = world().await;
    for from in 0..100 {
        let made_up = Some("00000000000000000000000000000000");
        let right = Attempt {
            email: OWNER,
            password: RIGHT,
            code: None,
            device: made_up,
            address: address(from),
        };
        assert_ne!(Some(try_in(&world, right).await.unwrap().device.as_str()), made_up);
    }
    assert_eq!(world.count("known_devices").await, 20, "the ones used last");
    assert_eq!(world.count("sign_in_budgets WHERE tries > 0").await, 0);
}

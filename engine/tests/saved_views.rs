//! Saved views: everybody's own, under names, and only of those who may see the console.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::World;
use signalbox_engine::auth::users;
use signalbox_engine::{CommandError, Ctx, saved_views};
use signalbox_model::actor::Role;
use signalbox_model::saved_view::{VIEWS_MAX, ViewedList};

const JOBS: ViewedList = ViewedList::Jobs;

/// Somebody who can sign in.
async fn person(world: &World, email: &str, role: Role) -> Ctx {
    users::create(&world.ctx.db, &world.ctx.clock, email, "a password to remember", role, false)
        .await
        .unwrap();
    let mut ctx = world.as_role(role);
    ctx.actor.email = email.to_owned();
    ctx
}

async fn names(ctx: &Ctx) -> Vec<String> {
    let views = saved_views::list(ctx, JOBS).await.unwrap();
    views.into_iter().map(|view| view.name).collect()
}

#[tokio::test]
async fn a_view_is_its_owners_alone_and_a_name_stands_for_one_view_of_a_list() {
    let world = World::new().await;
    let ada = person(&world, "ada@example.com", Role::Viewer).await;
    let bob = person(&world, "bob@example.com", Role::Operator).await;
    saved_views::save(&ada, JOBS, " Dead ", "state=dead").await.unwrap();
    let view = saved_views::save(&ada, JOBS, "Dead", "state=dead&last=1h").await.unwrap();
    saved_views::save(&ada, JOBS, "a first one", "q=x").await.unwrap();
    saved_views::save(&ada, ViewedList::Logs, "Dead", "event=dlq_retry").await.unwrap();

    assert_eq!(names(&ada).await, ["a first one", "Dead"]);
    assert_eq!(saved_views::list(&ada, JOBS).await.unwrap()[1], view);
    assert_eq!(names(&bob).await, Vec::<String>::new());
    let others = saved_views::remove(&bob, view.id).await.unwrap_err();
    assert!(matches!(others, CommandError::NotFound { .. }), "{others:?}");
    assert_eq!(saved_views::remove(&ada, view.id).await.unwrap(), "Dead");
    assert_eq!(names(&ada).await, ["a first one"]);
    assert_eq!(world.count("audit_log WHERE action LIKE 'saved_view.%'").await, 5);
}

#[tokio::test]
async fn too_many_views_and_bad_ones_are_refused() {
    let world = World::new().await;
    let ada = person(&world, "ada@example.com", Role::Viewer).await;
    for n in 0..VIEWS_MAX {
        saved_views::save(&ada, JOBS, &n.to_string(), "a=b").await.unwrap();
    }
    let one_more = saved_views::save(&ada, JOBS, "one more", "a=b").await.unwrap_err();
    assert!(matches!(one_more, CommandError::Conflict(_)), "{one_more:?}");
    saved_views::save(&ada, JOBS, "3", "a=c").await.unwrap();
    let bad = saved_views::save(&ada, ViewedList::Logs, "x", "//evil.example#").await.unwrap_err();
    assert!(matches!(bad, CommandError::Invalid(errors) if errors[0].field == "query"));
}

#[tokio::test]
async fn op_7_the_powerless_keep_no_views() {
    let world = World::new().await;
    for role in [Role::QaLead, Role::Technician] {
        let ctx = person(&world, &format!("{}@example.com", role.name()), role).await;
        let refused = [
            saved_views::list(&ctx, JOBS).await.map(drop),
            saved_views::save(&ctx, JOBS, "x", "a=b").await.map(drop),
            saved_views::remove(&ctx, 1).await.map(drop),
        ];
        for result in refused {
            assert!(matches!(result, Err(CommandError::Forbidden { .. })), "{result:?}");
        }
    }
    assert_eq!(world.count("audit_log").await, 0);
}

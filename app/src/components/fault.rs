//! The page when there is no page: what happened, why, what to do.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use leptos_router::location::Url;

use super::copy::Copy;
use crate::console::Console;
use crate::error::AppError;

/// An error in place of a page.
#[component]
pub(crate) fn Fault(error: AppError) -> impl IntoView {
    let (heading, advice) = match &error {
        AppError::Unauthenticated => ("Sign in to go on", ""),
        AppError::Forbidden { .. } => ("This is not open to you", "An admin can change your role."),
        AppError::NotFound { .. } => {
            ("There is nothing at this address", "It does not exist, or retention removed it.")
        }
        AppError::Unavailable => {
            ("The database does not answer", "The page comes back by itself when it does.")
        }
        AppError::Transport { .. } => ("The server cannot be reached", "The page tries again."),
        _ => ("This did not work", ""),
    };
    let sign_in = matches!(error, AppError::Unauthenticated).then(sign_in_link);
    view! {
        <Plate code=error.status() heading detail=format!("{error} {advice}")>
            {sign_in}
        </Plate>
    }
}

/// The page for an address that no route has.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    crate::edge::set_status(404);
    view! {
        <Plate
            code=404
            heading="There is no page at this address"
            detail="It may have been mistyped, or the page has moved."
        >
            ""
        </Plate>
    }
}

/// The page whose code could not be fetched.
#[component]
pub(crate) fn Unloaded() -> impl IntoView {
    let location = use_location();
    let here = move || location.pathname.get() + &location.search.get();
    view! {
        <Plate
            code=503
            heading="This page could not be loaded"
            detail="The server cannot be reached, or it was updated since this window was opened."
        >
            <a class="button primary" href=here rel="external">
                "Load it again"
            </a>
        </Plate>
    }
}

#[component]
fn Plate(
    code: u16,
    heading: &'static str,
    #[prop(into)] detail: String,
    children: Children,
) -> impl IntoView {
    let console = Console::get();
    console.name(heading);
    let request_id = console.start.with_value(|start| start.request_id.clone());
    let request = (!request_id.is_empty()).then(|| {
        view! {
            <p class="hint">
                "Request " <span class="id">{request_id.clone()}</span> " "
                <Copy text=request_id what="request number" />
            </p>
        }
    });
    view! {
        <div class="fault">
            <p class="code">{code}</p>
            <h1>{heading}</h1>
            <p>{detail}</p>
            <p class="actions">
                {children()} <a class="button" href="/admin">
                    "Go to the overview"
                </a>
            </p>
            {request}
        </div>
    }
    .into_any()
}

fn sign_in_link() -> impl IntoView {
    let location = use_location();
    let next = move || {
        let here = location.pathname.get() + &location.search.get();
        format!("/login?next={}", Url::escape(&here))
    };
    view! {
        <a class="button primary" href=next rel="external">
            "Sign in"
        </a>
    }
}

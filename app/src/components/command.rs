//! Commands: forms that have the server do something, with and without JavaScript.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use signalbox_model::actor::Permission;

use crate::console::Console;
use crate::edge;
use crate::error::AppError;
use crate::notice::Notice;

/// What a form has the server do. It knows the server function's address but not its type: all
/// forms share one piece of code in the browser.
#[derive(Clone, Copy)]
pub(crate) struct Command {
    url: &'static str,
    needs: Option<Permission>,
    pending: RwSignal<bool>,
    follow: bool,
}

impl Command {
    /// The command that a server function carries out, for those who have the permission that its
    /// engine command demands.
    pub(crate) fn of<F>(needs: Permission) -> Command
    where
        F: ServerFn<Output = Notice, Error = AppError>,
    {
        Command { needs: Some(needs), ..Command::for_everybody::<F>() }
    }

    /// The command that a server function carries out for whoever is signed in.
    pub(crate) fn for_everybody<F>() -> Command
    where
        F: ServerFn<Output = Notice, Error = AppError>,
    {
        Command { url: F::url(), needs: None, pending: RwSignal::new(false), follow: false }
    }

    /// The same, and then to where its outcome is to be seen.
    #[must_use]
    pub(crate) fn then_follow(self) -> Command {
        Command { follow: true, ..self }
    }

    /// Whether it is under way.
    pub(crate) fn pending(self) -> Signal<bool> {
        self.pending.into()
    }
}

/// A form that sends a command once, announces its outcome, and keeps what was typed until the
/// command is done, also through a sign-in after the session has ended. That is kept in the
/// browser: a form with a secret is a plain one instead. For those who may not, its controls are
/// disabled, and it says why.
#[component]
pub(crate) fn CommandForm(
    /// What it sends.
    action: Command,
    /// Its class.
    #[prop(optional)]
    class: &'static str,
    children: Children,
) -> impl IntoView {
    let console = Console::get();
    let navigate = use_navigate();
    let form = NodeRef::new();
    Effect::new(move |_| {
        if let Some(form) = form.get() {
            edge::type_again(&form, action.url);
        }
    });
    let submit = move |event: SubmitEvent| {
        if event.default_prevented() {
            return;
        }
        event.prevent_default();
        let Some(typed) = edge::typed(&event).filter(|_| !action.pending.get_untracked()) else {
            return;
        };
        action.pending.set(true);
        let navigate = navigate.clone();
        leptos::task::spawn_local(async move {
            let outcome = edge::post(action.url, &typed).await;
            if outcome == Err(AppError::Unauthenticated) {
                edge::keep_typed(action.url, &typed);
            }
            // The form may be gone by now: that is why it tries.
            action.pending.try_set(false);
            if let (true, Ok(Notice { link: Some((place, _)), .. })) = (action.follow, &outcome) {
                navigate(place, NavigateOptions::default());
            }
            console.announce(outcome);
        });
    };
    view! {
        <form
            node_ref=form
            method="post"
            action=action.url
            class=(!class.is_empty()).then_some(class)
            on:submit=submit
        >
            {unless_locked(action.needs.and_then(|needs| console.refuses(needs)), children)}
        </form>
    }
    .into_any()
}

/// The controls, disabled for `reason` if there is one.
fn unless_locked(reason: Option<String>, controls: Children) -> AnyView {
    let Some(reason) = reason else { return controls().into_any() };
    let title = reason.clone();
    view! {
        <fieldset class="locked" disabled title=title>
            {controls()}
            <p class="hint">{reason}</p>
        </fieldset>
    }
    .into_any()
}

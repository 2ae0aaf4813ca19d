//! The views above a list: a link for each, and the way to keep what is filtered now.

use leptos::prelude::*;
use signalbox_model::actor::Permission;
use signalbox_model::saved_view::{SavedView, ViewedList};

use super::api::{RemoveView, SaveView};
use crate::components::command::{Command, CommandForm};
use crate::components::field::Field;
use crate::components::live::part;
use crate::components::query::Query;
use crate::components::submit::Submit;

/// The views of `list`. The one that is looked at is marked and can be removed; filters that are no
/// view yet can be saved.
#[component]
pub(crate) fn SavedViews(
    list: ViewedList,
    views: Signal<Vec<SavedView>>,
    query: Memo<Query>,
) -> impl IntoView {
    let (save, remove) = (
        Command::of::<SaveView>(Permission::ReadConsole),
        Command::of::<RemoveView>(Permission::ReadConsole),
    );
    // Drawn anew only when something of it changes: what is being typed stays.
    let shown = Memo::new(move |_| (views.get(), query.get().kept()));
    part(move || {
        let (views, now) = shown.get();
        let current = views.iter().find(|view| view.query == now).cloned();
        let links: Vec<_> = views.iter().map(|view| link(list, view, &now)).collect();
        let save = (current.is_none() && !now.is_empty()).then(|| {
            view! {
                <details class="more">
                    <summary>"Save this view"</summary>
                    <CommandForm action=save class="inline">
                        <input type="hidden" name="list" value=list.name() />
                        <input type="hidden" name="query" value=now.clone() />
                        <Field
                            name="name"
                            id="view-name"
                            label="Name of the view"
                            autocomplete="off"
                        />
                        <Submit pending=save.pending()>"Save"</Submit>
                    </CommandForm>
                </details>
            }
        });
        let remove = current.map(|view| {
            view! {
                <CommandForm action=remove>
                    <input type="hidden" name="list" value=list.name() />
                    <input type="hidden" name="id" value=view.id.to_string() />
                    <Submit pending=remove.pending() class="button small quiet">
                        "Remove this view"
                    </Submit>
                </CommandForm>
            }
        });
        if links.is_empty() && save.is_none() {
            return ().into_any();
        }
        view! {
            <div class="filters views">
                {(!links.is_empty()).then(|| view! { <ul aria-label="Saved views">{links}</ul> })}
                {save} {remove}
            </div>
        }
        .into_any()
    })
}

fn link(list: ViewedList, view: &SavedView, now: &str) -> impl IntoView + use<> {
    let current = (view.query == now).then_some("true");
    view! {
        <li>
            <a href=format!("{}?{}", list.address(), view.query) aria-current=current>
                {view.name.clone()}
            </a>
        </li>
    }
}

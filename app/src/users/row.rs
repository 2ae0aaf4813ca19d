//! One user in the list.

use leptos::prelude::*;
use leptos_router::location::Url;
use signalbox_model::format;
use signalbox_model::user::User;

use crate::components::aspect::{Aspect, State};
use crate::components::time::MaybeTime;

/// A user's aspect and word.
pub(super) const fn standing(user: &User) -> (Aspect, &'static str) {
    match (user.disabled, user.must_change_password) {
        (true, _) => (Aspect::Held, "Disabled"),
        (false, true) => (Aspect::Caution, "Has a one-time password"),
        (false, false) => (Aspect::Clear, "Can sign in"),
    }
}

/// The row.
#[component]
pub(super) fn UserRow(user: User) -> impl IntoView {
    let (aspect, word) = standing(&user);
    let href = format!("/admin/users/{}", Url::escape(&user.email));
    view! {
        <tr>
            <th scope="row">
                <a href=href>{user.email}</a>
            </th>
            <td>{user.role.label()}</td>
            <td>
                <State of=aspect word />
            </td>
            <td>{if user.second_factor { "Yes" } else { "No" }}</td>
            <td>
                <MaybeTime at=user.last_sign_in_at />
            </td>
            <td class="num">{format::count(user.sessions)}</td>
            <td class="num">{format::count(user.tokens)}</td>
        </tr>
    }
    .into_any()
}

//! One field of a form: label, control, hint, error.

use leptos::prelude::*;

use crate::console::Console;

/// Where something cannot be undone: the number of what it touches, to be typed.
#[component]
pub(crate) fn ConfirmCount(count: i64, hint: &'static str) -> impl IntoView {
    view! {
        <Field
            name="confirm"
            label=format!("Type {count} to confirm")
            hint=hint
            autocomplete="off"
        />
    }
}

/// A text field. Its error and, where JavaScript is off, what was typed come from the outcome of
/// the last command.
#[component]
pub(crate) fn Field(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(default = "text")] kind: &'static str,
    /// What stands in it at first.
    #[prop(into, optional)]
    value: String,
    #[prop(optional)] hint: &'static str,
    #[prop(default = true)] required: bool,
    #[prop(optional)] autocomplete: &'static str,
    /// Several lines.
    #[prop(optional)]
    multiline: bool,
    /// Distinguishes fields of the same name on one page.
    #[prop(into, optional)]
    id: Option<String>,
    #[prop(optional)] min: Option<i64>,
    #[prop(optional)] max: Option<i64>,
) -> impl IntoView {
    let notice = Console::get().notice;
    let id = id.unwrap_or_else(|| name.to_owned());
    let error = Memo::new(move |_| notice.with(|n| n.as_ref().and_then(|n| n.error_of(name))));
    let typed = notice.with_untracked(|n| n.as_ref().and_then(|n| n.input_of(name)));
    let value = typed.unwrap_or(value);
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let described = {
        let (hint_id, error_id) = (hint_id.clone(), error_id.clone());
        move || {
            let hint = (!hint.is_empty()).then(|| hint_id.clone());
            let error = error.get().map(|_| error_id.clone());
            let ids: Vec<_> = hint.into_iter().chain(error).collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        }
    };
    let invalid = move || error.get().map(|_| "true");
    let autocomplete = (!autocomplete.is_empty()).then_some(autocomplete);
    let control = if multiline {
        view! {
            <textarea
                id=id.clone()
                name=name
                required=required
                aria-describedby=described
                aria-invalid=invalid
            >
                {value}
            </textarea>
        }
        .into_any()
    } else {
        view! {
            <input
                id=id.clone()
                name=name
                type=kind
                value=value
                required=required
                autocomplete=autocomplete
                min=min
                max=max
                aria-describedby=described
                aria-invalid=invalid
            />
        }
        .into_any()
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {control}
            {(!hint.is_empty())
                .then(|| {
                    view! {
                        <p class="hint" id=hint_id>
                            {hint}
                        </p>
                    }
                })}
            {move || {
                error
                    .get()
                    .map(|error| {
                        view! {
                            <p class="error" id=error_id.clone()>
                                {error}
                            </p>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

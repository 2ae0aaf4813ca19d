//! Routes that document themselves and are guarded one by one: what the route table is made of.

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use signalbox_model::actor::Permission;

use crate::middleware::actor::Identity;
use crate::openapi::describe::Described;
use crate::openapi::operation::{Operation, Schemas};
use crate::problem::ApiProblem;
use crate::state::AppState;

/// What it takes to call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing; or the route looks itself who asks.
    Open,
    /// A session.
    SignedIn,
    /// A session whose user may do this.
    May(Permission),
}

/// A route as it is documented.
#[derive(Debug, Clone)]
pub struct Documented {
    /// Its method, in lower case.
    pub method: &'static str,
    /// Its path, with its parameters in braces.
    pub path: &'static str,
    /// What it takes to call it.
    pub access: Access,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// What it takes and answers.
    pub operation: Operation,
}

/// Routes, and their documentation.
#[derive(Default)]
pub struct Routes {
    router: Router<AppState>,
    documented: Vec<Documented>,
    schemas: Schemas,
}

impl Routes {
    /// Adds a route.
    #[must_use]
    pub fn route<H, T>(
        mut self,
        method: &'static str,
        path: &'static str,
        (access, about): (Access, &'static str),
        handler: H,
    ) -> Routes
    where
        H: Handler<T, AppState> + Described<T>,
        T: 'static,
    {
        let filter = match method {
            "get" => MethodFilter::GET,
            "post" => MethodFilter::POST,
            "delete" => MethodFilter::DELETE,
            "put" => MethodFilter::PUT,
            _ => MethodFilter::PATCH,
        };
        let operation = H::describe(&mut self.schemas);
        let guarded =
            on(filter, handler).layer(from_fn(move |request, next| guard(access, request, next)));
        self.router = self.router.route(path, guarded);
        self.documented.push(Documented { method, path, access, about, operation });
        self
    }

    /// Takes the router out; what is documented stays for the routes that follow.
    pub fn take_router(&mut self) -> Router<AppState> {
        std::mem::take(&mut self.router)
    }

    /// What is documented, and the schemas it refers to.
    pub fn into_documentation(self) -> (Vec<Documented>, Schemas) {
        (self.documented, self.schemas)
    }
}

/// Lets through whoever may call the route, before anything of the request is read. The engine
/// checks every command again.
async fn guard(access: Access, request: Request, next: Next) -> Response {
    let identity = request.extensions().get::<Identity>();
    let refusal = match (access, identity) {
        (Access::Open, _) => None,
        (_, Some(Identity::Unavailable)) => Some(ApiProblem::unavailable()),
        (Access::SignedIn, Some(Identity::Known(_))) => None,
        (Access::May(permission), Some(Identity::Known(actor))) => {
            (!actor.may(permission)).then(|| ApiProblem::lacks(permission))
        }
        (_, Some(Identity::Anonymous) | None) => Some(ApiProblem::unauthenticated()),
    };
    match refusal {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

/// A table of routes: method, path, what it takes to call it, the function, and what it does.
macro_rules! routes {
    ($before:expr; $($method:ident $path:literal $access:expr, $handler:path, $about:literal;)*) => {
        $before$(.route(stringify!($method), $path, ($access, $about), $handler))*
    };
}

pub(crate) use routes;

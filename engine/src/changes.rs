//! Tells whoever watches that something has changed, so that a page need not ask again and again.
//! It carries no facts: whoever hears it reads.

use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::db::own_pool;
use crate::notify;

/// However much happens, it is told at most this often: a page is read by people.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// How long a lost connection is left alone.
const DATABASE_RETRY: Duration = Duration::from_secs(1);

/// What changes is told here. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Changes {
    told: watch::Receiver<()>,
    over: CancellationToken,
}

impl Changes {
    /// Listens to the database until nobody watches any more, or it is over.
    pub fn listen(db: &PgPool) -> Changes {
        let (tell, told) = watch::channel(());
        let over = CancellationToken::new();
        tokio::spawn(listen(own_pool(db), tell, over.clone()));
        Changes { told, over }
    }

    /// The same, for somebody who has just read everything: what has changed before is not told.
    #[must_use]
    pub fn from_now_on(&self) -> Changes {
        let mut watching = self.clone();
        watching.told.mark_unchanged();
        watching
    }

    /// Waits for the next change; false when there will be none.
    pub async fn next(&mut self) -> bool {
        tokio::select! {
            changed = self.told.changed() => changed.is_ok(),
            () = self.over.cancelled() => false,
        }
    }

    /// Nobody is told anything any more.
    pub fn end(&self) {
        self.over.cancel();
    }
}

async fn listen(db: PgPool, tell: watch::Sender<()>, over: CancellationToken) {
    let heard = async {
        loop {
            if let Err(error) = hear(&db, &tell).await {
                tracing::warn!(%error, "changes are not heard of; trying again");
            }
            tokio::time::sleep(DATABASE_RETRY).await;
        }
    };
    tokio::select! {
        () = heard => {}
        () = tell.closed() => {}
        () = over.cancelled() => {}
    }
    db.close().await;
}

async fn hear(db: &PgPool, tell: &watch::Sender<()>) -> Result<(), sqlx::Error> {
    let mut listener = notify::listen_to_all(db).await?;
    loop {
        listener.recv().await?;
        tell.send_replace(());
        tokio::time::sleep(AT_MOST_EVERY).await;
        // What was said meanwhile is one more change, not as many.
        while listener.next_buffered().is_some() {}
    }
}

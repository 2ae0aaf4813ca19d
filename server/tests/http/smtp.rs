//! A mail server that takes everything, or refuses as it is told (RFC 5321).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What it was told, and how it answers.
#[derive(Default)]
pub struct Said {
    /// Every command, in order.
    pub commands: Vec<String>,
    /// Every mail that it took, with its header.
    pub mails: Vec<String>,
    /// Its answer to a sender, instead of yes.
    pub refusal: Option<&'static str>,
}

/// The server; its address, and what it was told.
pub struct MailServer {
    pub addr: SocketAddr,
    pub said: Arc<Mutex<Said>>,
}

impl MailServer {
    pub async fn start() -> MailServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let said = Arc::<Mutex<Said>>::default();
        let heard = said.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, heard.clone()));
            }
        });
        MailServer { addr, said }
    }

    pub fn commands(&self) -> Vec<String> {
        self.said.lock().unwrap().commands.clone()
    }

    pub fn mails(&self) -> Vec<String> {
        self.said.lock().unwrap().mails.clone()
    }
}

async fn converse(stream: TcpStream, said: Arc<Mutex<Said>>) {
    let mut stream = BufReader::new(stream);
    answer(&mut stream, "220 stand-in ESMTP").await;
    while let Some(command) = line(&mut stream).await {
        said.lock().unwrap().commands.push(command.clone());
        let refusal = said.lock().unwrap().refusal;
        match command.split(' ').next().unwrap_or_default() {
            "EHLO" => answer(&mut stream, "250-stand-in\r\n250 AUTH PLAIN").await,
            "AUTH" => answer(&mut stream, "235 welcome").await,
            "MAIL" => answer(&mut stream, refusal.unwrap_or("250 yes")).await,
            "DATA" => {
                answer(&mut stream, "354 go on").await;
                let mut mail = String::new();
                while let Some(line) = line(&mut stream).await.filter(|line| line != ".") {
                    mail += &format!("{line}\n");
                }
                said.lock().unwrap().mails.push(mail);
                answer(&mut stream, "250 taken").await;
            }
            "QUIT" => return answer(&mut stream, "221 bye").await,
            _ => answer(&mut stream, "250 yes").await,
        }
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.unwrap_or(0);
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn answer(stream: &mut BufReader<TcpStream>, answer: &str) {
    let _ = stream.write_all(format!("{answer}\r\n").as_bytes()).await;
}

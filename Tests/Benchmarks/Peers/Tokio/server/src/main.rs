//! Tokio's echo server: `tokio-server PORT WORKERS`, until ended by a signal.
//!
//! The echo server of Tokio's documentation: a task per connection. One worker is the current-thread runtime. As with
//! the others, TCP_NODELAY is set and the buffer has 1 KiB; an array, part of the task, is what is quickest.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

async fn echo(mut connection: TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut buffer = [0; 1024];
    loop {
        let count = connection.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        connection.write_all(&buffer[..count]).await?;
    }
}

async fn serve(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (connection, _) = listener.accept().await?;
        tokio::spawn(echo(connection));
    }
}

fn main() {
    let arguments: Vec<u16> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [port, workers] = arguments[..] else {
        eprintln!("usage: tokio-server PORT WORKERS");
        std::process::exit(2);
    };
    let runtime = match workers {
        1 => Builder::new_current_thread().enable_io().build(),
        _ => Builder::new_multi_thread().worker_threads(workers.into()).enable_io().build(),
    };
    // Accepted in the multi-thread runtime by a task of its own, so that a worker does it.
    let served = runtime.unwrap().block_on(async move { tokio::spawn(serve(port)).await });
    eprintln!("error: {served:?}");
    std::process::exit(1);
}

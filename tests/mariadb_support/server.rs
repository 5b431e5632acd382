//! MariaDB in a folder of its own, with server_audit, on 127.0.0.1; ended by its process id.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{PATIENCE, program, succeed, wait};

/// The parts of an installed MariaDB.
pub struct Installed {
    server: PathBuf,
    setup: PathBuf,
    plugin: PathBuf,
    pub version: String,
}

/// What is installed, or what is missing and how to get it.
pub fn installed(target: &Path) -> Result<Installed, String> {
    let found = |name: &str| {
        program(name).ok_or_else(|| {
            format!("{name} is missing (Repair: as root, scripts/need test, which installs it)")
        })
    };
    let server = found("mariadbd")?;
    let setup = found("mariadb-install-db")?;
    for client in ["mariadb", "mariadb-dump", "mariadb-admin", "mariadb-check"] {
        found(client)?;
    }
    // With what the test's own client is built.
    let has_library = Command::new("pkg-config").args(["--exists", "libmariadb"]).status();
    if !has_library.is_ok_and(|status| status.success()) {
        return Err("libmariadb-dev is missing (Repair: as root, scripts/need test)".to_owned());
    }
    let output = Command::new(&server).arg("--version").output();
    let output = output.map_err(|error| format!("{}: {error}", server.display()))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Installed { plugin: audit_plugin(target)?, server, setup, version })
}

/// server_audit.so: named, installed with the server, or out of the server's package.
fn audit_plugin(target: &Path) -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("MARIADB_AUDIT_PLUGIN") {
        return Ok(PathBuf::from(path));
    }
    let folders = ["/usr/lib/mysql/plugin", "/usr/lib64/mysql/plugin", "/usr/lib64/mariadb/plugin"];
    let installed = folders.iter().map(|folder| Path::new(folder).join("server_audit.so"));
    if let Some(path) = installed.into_iter().find(|path| path.is_file()) {
        return Ok(path);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/mariadb-audit-plugin");
    let output = Command::new(script).arg(target).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// A running server.
pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
    pub port: u16,
}

impl Server {
    /// Sets a server up and starts it.
    pub fn start(installed: &Installed, port: u16) -> Server {
        let folder = tempfile::tempdir().expect("temporary directory");
        let at = |name: &str| folder.path().join(name);
        for name in ["data", "plugin", "www", "www/html", "tmp"] {
            fs::create_dir(at(name)).expect("a folder");
        }
        fs::copy(&installed.plugin, at("plugin/server_audit.so")).expect("copy the plug-in");
        // The account of this test: the server refuses to run as root without being told.
        let own = fs::metadata(folder.path()).expect("a folder").uid();
        let user = (own == 0).then_some("--user=root");
        let data = format!("--datadir={}", at("data").display());
        let mut setup = Command::new(&installed.setup);
        setup.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
        setup.arg(&data).args(user).current_dir(folder.path());
        succeed(&mut setup, b"", folder.path());

        let option = |name: &str, value: &str| format!("--{name}={}", at(value).display());
        let log = File::create(at("error.log")).expect("create");
        let child = Command::new(&installed.server)
            .args(["--no-defaults", &data])
            .args(user)
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--server-id=7"])
            .arg(format!("--port={port}"))
            .arg(option("socket", "socket"))
            .arg(option("pid-file", "pid"))
            .arg(option("tmpdir", "tmp"))
            .arg(option("plugin-dir", "plugin"))
            .arg(option("log-bin", "data/binlog"))
            // As examples/fluent-bit/mariadb-audit.conf has it.
            .args(["--plugin-load-add=server_audit", "--server-audit-logging=ON"])
            .arg("--server-audit-query-log-limit=65536")
            .arg(option("server-audit-file-path", "server_audit.log"))
            // Small and quick: nothing here has to survive a crash.
            .args(["--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0"])
            .args(["--performance-schema=ON", "--max-connections=50", "--key-buffer-size=1M"])
            .args(["--sync-binlog=0", "--local-infile=OFF", "--event-scheduler=OFF"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .spawn()
            .expect("start MariaDB");
        let mut server = Server { child, folder, port };
        let started = Instant::now();
        while !server.error_log().contains("ready for connections") {
            let ended = server.child.try_wait().expect("wait");
            assert!(ended.is_none(), "MariaDB ended ({ended:?}):\n{}", server.error_log());
            assert!(started.elapsed() < PATIENCE, "no server:\n{}", server.error_log());
            sleep(Duration::from_millis(20));
        }
        server
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as a text, for statements.
    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub fn error_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("error.log")).unwrap_or_default()).into_owned()
    }

    /// The lines of the audit log so far.
    pub fn audit_lines(&self) -> Vec<String> {
        let bytes = fs::read(self.path("server_audit.log")).expect("the audit log");
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }

    /// Ends it as an operator would.
    pub fn stop(&mut self) {
        let kill = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(kill.expect("kill").success());
        let status = wait(&mut self.child, "MariaDB");
        assert!(status.success(), "{status}:\n{}", self.error_log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors mean it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

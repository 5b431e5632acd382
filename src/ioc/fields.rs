//! In which fields indicators of which kind are looked for.
//!
//! Fields of the Elastic Common Schema are those in which detection platforms look for them as well;
//! beside them stand the names that Sigma rules and the sources of `sources/` use. A field that a rule
//! set has no indicators for is not compiled.

use crate::ruleset::indicators::{form, kind};

/// A field, what it may have and how it is read.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// The kinds, see [`kind::bit`].
    pub kinds: u16,
    /// See [`form`].
    pub form: u8,
    /// A field that is looked at instead where an event has it.
    pub unless: Option<&'static str>,
}

const DOMAIN: u16 = kind::bit(kind::DOMAIN);
/// An address, or a host's name in its place.
const HOST: u16 = kind::ADDRESSES | DOMAIN;
const URL: u16 = kind::bit(kind::URL) | HOST;
const EMAIL: u16 = kind::bit(kind::EMAIL) | DOMAIN;
const NAME: u16 = kind::bit(kind::FILE_NAME);
const ALL: u16 = (1 << kind::COUNT) - 1;

/// Fields of one kind, separated by white space.
const GROUPS: [(u16, u8, &str); 11] = [
    // Who talks to whom.
    (
        HOST,
        form::WORDS,
        "
        client.address client.ip client.nat.ip client.domain client.registered_domain
        destination.address destination.ip destination.nat.ip destination.domain
        destination.registered_domain
        server.address server.ip server.nat.ip server.domain server.registered_domain
        source.address source.ip source.nat.ip source.domain source.registered_domain
        host.ip url.domain url.registered_domain network.forwarded_ip
        SourceIp DestinationIp SourceHostname DestinationHostname
        SourceAddress DestAddress IpAddress RemoteIP RemoteHost
        src_ip dst_ip c-ip s-ip cs-host r-dns",
    ),
    // The canonical fields of MySQL audit events: the client's address or name.
    (HOST, form::WORDS, "ip host account_ip"),
    // Names that were asked for, and what was answered.
    (
        HOST,
        form::WORDS,
        "
        dns.question.name dns.question.registered_domain dns.resolved_ip dns.answers.name
        dns.answers.data QueryName QueryResults query answer",
    ),
    // Certificates.
    (
        DOMAIN,
        form::WORDS,
        "
        tls.client.server_name tls.server.x509.subject.common_name
        tls.server.x509.alternative_names tls.client.x509.subject.common_name
        tls.client.x509.alternative_names x509.subject.common_name x509.alternative_names",
    ),
    (
        URL,
        form::URL,
        "
        url.full url.original http.request.referrer
        c-uri cs-referrer cs-referer DestinationUrl RemoteUrl FileOriginUrl",
    ),
    (
        kind::HASHES,
        form::WORDS,
        "
        file.hash.md5 file.hash.sha1 file.hash.sha256 file.hash.sha512
        process.hash.md5 process.hash.sha1 process.hash.sha256 process.hash.sha512
        dll.hash.md5 dll.hash.sha1 dll.hash.sha256 dll.hash.sha512
        email.attachments.file.hash.md5 email.attachments.file.hash.sha1
        email.attachments.file.hash.sha256 email.attachments.file.hash.sha512
        Hashes Hash md5 sha1 sha256 sha512 MD5 SHA1 SHA256 SHA512
        TargetFileMD5 TargetFileSHA1 TargetFileSHA256 TargetFileSHA512",
    ),
    (
        EMAIL,
        form::EMAIL,
        "
        email.from.address email.sender.address email.to.address email.cc.address
        email.bcc.address email.reply_to.address user.email source.user.email
        destination.user.email
        SenderFromAddress SenderMailFromAddress RecipientEmailAddress",
    ),
    (
        NAME,
        form::PATH,
        "
        file.name file.path file.target_path dll.name dll.path process.executable
        email.attachments.file.name
        Image ImageLoaded TargetFilename OriginalFileName",
    ),
    // Tables of ASIM and Defender where no source names them.
    (NAME, form::PATH, "TargetFilePath FolderPath"),
    // Statements: everything that stands in them, the hosts of replication and of remote servers
    // included.
    (ALL, form::WORDS, "sql_norm"),
    (ALL, form::WORDS, "db.statement db.query.text"),
];

/// Fields that are looked at where another one is not there.
const INSTEAD: [Field; 1] =
    [Field { name: "sql_text", kinds: ALL, form: form::WORDS, unless: Some("sql_norm") }];

/// All fields, each once.
pub fn fields() -> impl Iterator<Item = Field> {
    let grouped = GROUPS.iter().flat_map(|(kinds, form, names)| {
        let field = |name| Field { name, kinds: *kinds, form: *form, unless: None };
        names.split_whitespace().map(field)
    });
    grouped.chain(INSTEAD)
}

#[cfg(test)]
mod tests {
    use super::fields;
    use std::collections::BTreeSet;

    #[test]
    fn each_field_is_there_once_and_has_a_number() {
        let names: Vec<&str> = fields().map(|field| field.name).collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(distinct.len(), names.len());
        assert!(names.len() < usize::from(u8::MAX), "{} fields", names.len());
        assert!(fields().filter_map(|field| field.unless).all(|name| distinct.contains(name)));
    }
}

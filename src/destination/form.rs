//! Forms: what a member makes of a value.

/// How a value is written. The numbers are those of the file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Form {
    /// Its text; several values are a list, where the destination has lists.
    Text = 1,
    /// Its text, ASCII letters in lower case.
    Lower = 2,
    /// An integer, or a text that is one.
    Integer = 3,
    /// A boolean, or a text that is one.
    Boolean = 4,
    /// A text that is an IP address.
    Address = 5,
    /// A moment that says its zone, as RFC 3339 in UTC.
    Time = 6,
    /// A moment; one that does not say its zone is in UTC.
    UtcTime = 7,
    /// The last element of a path.
    FileName = 8,
    /// A path up to its last separator, with it.
    Folder = 9,
    /// The first label of a host's name.
    Label = 10,
    /// The name in `DOMAIN\name`.
    AccountName = 11,
    /// The domain in `DOMAIN\name`.
    AccountDomain = 12,
    /// The different values of all fields, as a sorted list.
    Distinct = 13,
    /// What the table says for a text.
    Lookup = 14,
    /// The event as it came, as text.
    Original = 15,
    /// A text.
    Constant = 16,
    /// A list of texts.
    ConstantList = 17,
    /// A number.
    ConstantNumber = 18,
    /// A host's name: neither an address nor a name with a port.
    HostName = 19,
}

impl Form {
    /// All forms, in the order of their numbers.
    pub const ALL: [Form; 19] = [
        Form::Text,
        Form::Lower,
        Form::Integer,
        Form::Boolean,
        Form::Address,
        Form::Time,
        Form::UtcTime,
        Form::FileName,
        Form::Folder,
        Form::Label,
        Form::AccountName,
        Form::AccountDomain,
        Form::Distinct,
        Form::Lookup,
        Form::Original,
        Form::Constant,
        Form::ConstantList,
        Form::ConstantNumber,
        Form::HostName,
    ];

    /// Those that a descriptor names below `as`.
    pub const NAMED: [(&str, Form); 15] = [
        ("text", Form::Text),
        ("lower", Form::Lower),
        ("integer", Form::Integer),
        ("boolean", Form::Boolean),
        ("address", Form::Address),
        ("host_name", Form::HostName),
        ("time", Form::Time),
        ("utc_time", Form::UtcTime),
        ("file_name", Form::FileName),
        ("folder", Form::Folder),
        ("label", Form::Label),
        ("account_name", Form::AccountName),
        ("account_domain", Form::AccountDomain),
        ("distinct", Form::Distinct),
        ("original", Form::Original),
    ];

    /// The form with that number in a file.
    #[inline]
    pub fn from_number(number: u8) -> Option<Form> {
        Form::ALL.get(usize::from(number).wrapping_sub(1)).copied()
    }

    /// The form with that name in a descriptor.
    pub fn from_name(name: &str) -> Option<Form> {
        Form::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, form)| form)
    }

    /// Whether it is a part of one text: what a list of such values may have as elements.
    pub fn is_part(self) -> bool {
        matches!(
            self,
            Form::Text
                | Form::Lower
                | Form::Address
                | Form::HostName
                | Form::FileName
                | Form::Folder
                | Form::Label
                | Form::AccountName
                | Form::AccountDomain
        )
    }

    /// Whether a value is needed that is read from a field.
    pub fn reads(self) -> bool {
        !matches!(self, Form::Original | Form::Constant | Form::ConstantList | Form::ConstantNumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back() {
        for form in Form::ALL {
            assert_eq!(Form::from_number(form as u8), Some(form));
        }
        for (name, form) in Form::NAMED {
            assert_eq!(Form::from_name(name), Some(form));
        }
        assert_eq!((Form::from_number(0), Form::from_number(20)), (None, None));
        assert_eq!(Form::from_name("number"), None);
        assert!(
            Form::Lookup.reads()
                && Form::HostName.reads()
                && !Form::Original.reads()
                && !Form::Constant.reads()
        );
    }
}

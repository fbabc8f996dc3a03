//! The words that say of a number that it is, or is not, a telephone's.

use crate::sanitize::words::Context;

#[rustfmt::skip]
pub(super) const CONTEXT: Context<'static> = Context {
    for_it: &[
        "anruf", "anrufen", "appeler", "appelez", "bel", "call", "callback", "called", "caller", "calling", "calls", "cel", "cell", "celular",
        "cellulare", "cellphone", "chiama", "chiamare", "contact", "contacto", "contatto", "dial", "dialed", "dialled",
        "dzwoń", "emergency", "fax", "faks", "fijo", "fisso", "fixe", "gsm", "handphone", "handset", "handy", "handynummer", "helpline", "hotline", "infoline", "kontakt", "landline",
        "ligar", "ligue", "línea", "llamar", "llame", "llámame", "llama", "matkapuhelin", "messages", "mob", "mobil", "mobile", "mobiel", "mobilnummer", "mobiltelefon", "mobilfunknummer", "mobilnummeret", "mobilen", "telefonen", "telefonnummeret", "telefonnumret", "mobilnumret", "puhelinnumero",
        "móvil", "msisdn", "ph", "phone", "phonenumber", "phones", "portable", "puhelin", "reach", "ring", "rufnummer", "ruf", "sms", "suporte",
        "switchboard", "tel", "telefax", "telefon", "telefone", "telefónica", "telefonnummer", "telefono", "telefonu", "telefoon", "telefoonnummer", "telemóvel", "telephone",
        "teléfono", "tlf", "tollfree", "téléphone", "téléphoner", "tél", "voicemail", "whatsapp", "wa", "zadzwoń", "телефон", "тел", "тлф", "звоните", "моб",
        "τηλέφωνο", "κινητό", "telegram", "texted", "text", "texting", "viber", "cep", "numara", "gọi", "nomor", "hp", "telp", "telepon", "free",
        "rückruf", "erreichbar", "joignable", "raggiungibile", "recado", "zap", "pager", "desk", "direct", "office", "hubungi",
    ],
    against: &[
        "account", "acct", "amount", "article", "artikel", "asin", "batch", "balance", "barcode", "bestellnummer", "bestellung", "bestell", "bill", "booking", "build", "case",
        "catalog", "catalogue", "ccn", "claim", "code", "commande", "commit", "confirmation", "contract", "customer", "docket", "document",
        "ean", "ein", "epoch", "facture", "factura", "fedex", "fein", "file", "flight", "gtin", "hash", "id", "identifier", "iban", "imei", "insurance", "invoice", "inv",
        "isbn", "issn", "item", "job", "konto", "kontonummer", "kundennummer", "kunden", "licence", "license", "lot", "medicare", "member", "membership", "model",
        "nhs", "nin", "npi", "order", "orders", "p", "package", "parcel", "part", "passport", "patent", "pedido", "permit", "pid", "plate", "pn", "po", "policy",
        "population", "postal", "price", "product", "prod", "rechnung", "rechnungsnummer", "ref", "reference", "registration", "request", "reservation", "routing", "run", "score", "security", "seed",
        "sequence", "serial", "series", "shipment", "sin", "size", "sku", "sn", "social", "ssn", "stock", "tax", "tfn", "ticket", "timestamp", "token", "total",
        "tracking", "transaction", "txn", "upc", "ups", "uuid", "ver", "version", "vin", "volume", "voucher", "zip", "revision", "seriennummer", "auftrag", "vorgang", "aktenzeichen",
        "cpf", "cnpj", "pesel", "nip", "dni", "nif", "siret", "siren", "bsn", "personnummer", "cpr", "lat", "latitude", "lon", "longitude", "coordinates", "gps", "port", "pin", "otp",
        "steuer", "steuernummer", "aadhaar", "abn", "acn", "udid", "sort", "swift", "bic", "wallet", "block", "row", "rows", "range", "pages", "page", "bytes", "usd", "eur", "employee",
        "patient", "student", "meter", "asset", "device", "cve", "rfc", "kb", "bug", "issue", "pr",
    ],
    unspaced: &["电话", "電話", "手机", "手機", "携帯", "致电", "联系", "连络", "連絡", "전화", "연락처", "휴대", "โทร", "फोन", "फ़ोन", "मोबाइल", "هاتف", "جوال", "טלפון", "נייד"],
};

//! Words that name an identity number, by country, and those that name something else.

use crate::sanitize::words::Context;

#[rustfmt::skip]
pub(super) const AGAINST: [&str; 97] = [
    "account", "amount", "article", "asin", "barcode", "batch", "bestellnummer", "booking", "build", "catalog", "claim", "commit", "confirmation", "contract",
    "docket", "ean", "epoch", "fax", "fedex", "flight", "gtin", "hash", "iban", "imei", "invoice", "isbn", "issn", "item", "job", "lot", "model",
    "mobile", "order", "orders", "package", "parcel", "part", "phone", "pn", "po", "policy", "price", "product", "ref", "reference", "request", "room",
    "routing", "sequence", "serial", "shipment", "sku", "sn", "stock", "tel", "telephone", "ticket", "timestamp", "tracking", "transaction", "txn", "upc",
    "uuid", "version", "vin", "voucher", "zip", "bestellung", "rechnung", "facture", "pedido", "extension", "mobil", "mobiel", "mobilen",
    "mobilnummer", "mobilnummeret", "mobiltelefon", "cell", "celular", "cel", "handy", "handynummer", "móvil", "telefon", "telefonen", "telefone",
    "telefono", "telefonnummer", "telefoonnummer", "telefoon", "teléfono", "telemóvel", "téléphone", "tél", "tlf", "whatsapp",
];

const fn names(
    for_it: &'static [&'static str],
    unspaced: &'static [&'static str],
) -> Context<'static> {
    Context {
        for_it,
        against: &AGAINST,
        unspaced,
    }
}

pub(super) const NONE: Context<'static> = names(&[], &[]);
pub(super) const US: Context<'static> = names(
    &[
        "ssn",
        "social",
        "security",
        "itin",
        "ss",
        "ssa",
        "taxpayer",
        "socialsecuritynumber",
        "tin",
        "seguro",
    ],
    &["社会安全"],
);
pub(super) const ITIN: Context<'static> = names(&["itin", "taxpayer", "individual"], &[]);
pub(super) const CA: Context<'static> = names(
    &["sin", "social", "insurance", "nas", "assurance", "sociale"],
    &[],
);
pub(super) const GB: Context<'static> = names(&["ni", "nino", "national", "insurance", "nin"], &[]);
pub(super) const NHS: Context<'static> = names(&["nhs"], &[]);
pub(super) const DE: Context<'static> = names(
    &[
        "steuer",
        "steueridentifikationsnummer",
        "identifikationsnummer",
        "idnr",
        "steuerid",
        "steuernummer",
        "tin",
        "id",
        "tax",
        "idn",
    ],
    &[],
);
pub(super) const FR: Context<'static> = names(
    &[
        "nir",
        "insee",
        "sécurité",
        "securite",
        "sociale",
        "sécu",
        "secu",
    ],
    &[],
);
pub(super) const NL: Context<'static> = names(
    &[
        "bsn",
        "burgerservicenummer",
        "sofi",
        "sofinummer",
        "burgerservice",
    ],
    &[],
);
pub(super) const BE: Context<'static> = names(
    &[
        "rijksregisternummer",
        "rijksregister",
        "registre",
        "national",
        "niss",
        "insz",
        "nrn",
        "rrn",
    ],
    &[],
);
pub(super) const PL: Context<'static> = names(&["pesel"], &[]);
pub(super) const NORDIC: Context<'static> = names(
    &[
        "personnummer",
        "cpr",
        "cprnr",
        "fødselsnummer",
        "fodselsnummer",
        "samordningsnummer",
        "personal",
        "identity",
        "pnr",
        "fnr",
        "henkilötunnus",
        "hetu",
    ],
    &[],
);
pub(super) const CH: Context<'static> =
    names(&["ahv", "avs", "ahvn", "sozialversicherungsnummer"], &[]);
pub(super) const AT: Context<'static> = names(
    &[
        "svnr",
        "sozialversicherungsnummer",
        "versicherungsnummer",
        "sv",
    ],
    &[],
);
pub(super) const BR: Context<'static> = names(&["cpf"], &[]);
pub(super) const IN: Context<'static> =
    names(&["aadhaar", "aadhar", "uidai", "uid", "adhaar"], &["आधार"]);
pub(super) const PAN: Context<'static> = names(&["pan", "permanent", "account"], &["पैन"]);
pub(super) const AU: Context<'static> = names(&["tfn", "tax", "file"], &[]);
pub(super) const MEDICARE: Context<'static> = names(&["medicare"], &[]);
pub(super) const KR: Context<'static> = names(&["rrn", "resident"], &["주민"]);
pub(super) const JP: Context<'static> = names(
    &["mynumber", "my", "individual"],
    &["マイナンバー", "個人番号"],
);
pub(super) const CN: Context<'static> =
    names(&["resident", "identity", "id", "shenfenzheng"], &["身份证"]);
pub(super) const TR: Context<'static> = names(&["kimlik", "tckn", "tc"], &[]);
pub(super) const GR: Context<'static> = names(&["amka", "αμκα"], &[]);
pub(super) const PT: Context<'static> = names(&["nif", "contribuinte"], &[]);
pub(super) const HR: Context<'static> = names(&["oib"], &[]);
pub(super) const BG: Context<'static> = names(&["egn", "егн"], &[]);
pub(super) const BALTIC: Context<'static> =
    names(&["isikukood", "asmens", "kodas", "personas", "kods"], &[]);
pub(super) const CZ: Context<'static> = names(&["rodné", "rodne", "číslo", "cislo", "rč"], &[]);
pub(super) const IL: Context<'static> = names(&["teudat", "zehut", "tz"], &["זהות", "ת.ז", "ת\"ז"]);
pub(super) const TH: Context<'static> = names(&["thai"], &["บัตรประชาชน"]);
pub(super) const ID: Context<'static> = names(&["nik", "ktp"], &[]);
pub(super) const RU: Context<'static> = names(&["snils", "снилс"], &[]);
pub(super) const HU: Context<'static> = names(&["taj"], &[]);
pub(super) const ES: Context<'static> = names(&["dni", "nie", "nif", "documento"], &[]);
pub(super) const IE: Context<'static> = names(&["pps", "ppsn"], &[]);
pub(super) const AR: Context<'static> = names(&["dni", "documento", "cuil", "cuit"], &[]);
pub(super) const MX: Context<'static> = names(&["curp"], &[]);
pub(super) const IT: Context<'static> = names(&["codice", "fiscale", "cf"], &[]);
pub(super) const SG: Context<'static> = names(&["nric", "fin"], &[]);
pub(super) const RO: Context<'static> = names(&["cnp"], &[]);
pub(super) const ZA: Context<'static> = names(&["id", "identity", "rsa"], &[]);
pub(super) const PK: Context<'static> = names(&["cnic", "nic", "nadra"], &[]);
pub(super) const IS: Context<'static> = names(&["kennitala", "kt"], &[]);
pub(super) const YU: Context<'static> =
    names(&["jmbg", "emšo", "emso", "embg", "jmb", "јмбг"], &[]);
pub(super) const UA: Context<'static> = names(&["rnokpp", "рнокпп", "іпн", "инн"], &[]);
pub(super) const NZ: Context<'static> = names(&["ird"], &[]);

//! Settings of an organization (S8, X16).

use store::site_settings;
use testkit::{START, TestDatabase, db_test};

use crate::people::organization_of;

#[db_test]
async fn a_setting_is_set_replaced_and_emptied_in_its_organization(database: TestDatabase) {
    let acme = organization_of(&database, "acme", &[]).await;
    let globex = organization_of(&database, "globex", &[]).await;
    let mut tx = database.write().await.unwrap();
    site_settings::upsert(&mut tx, acme, "footer_text", "one", START).await.unwrap();
    site_settings::upsert(&mut tx, acme, "footer_text", "two", START.plus_s(1)).await.unwrap();
    site_settings::upsert(&mut tx, globex, "footer_text", "theirs", START).await.unwrap();
    let rows = site_settings::list(&mut tx, acme).await.unwrap();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.key.as_str(), row.value.as_str()), ("footer_text", "two"));
    assert_eq!(row.updated_at, START.plus_s(1));
    assert!(site_settings::delete(&mut tx, acme, "footer_text").await.unwrap());
    assert!(!site_settings::delete(&mut tx, acme, "footer_text").await.unwrap());
    assert!(site_settings::list(&mut tx, acme).await.unwrap().is_empty());
    assert_eq!(site_settings::list(&mut tx, globex).await.unwrap()[0].value, "theirs");
}
